import { resolve } from "node:path";
import { AgentClient, agentSource } from "@podkit/agent";
import { DEFAULT_PREFIX, EventBus, parsePrefix, silentLogger, systemClock } from "@podkit/core";
import type { AgentFactory } from "./agent-port.js";
import { DEFAULT_IMAGE } from "./config/defaults.js";
import { Connections } from "./connection.js";
import type { Core } from "./core.js";
import type { ContainerManagerOptions } from "./options.js";
import { systemSources } from "./parent.js";
import { drawPort } from "./ports/draw.js";
import { workspaceMount } from "./spec/mounts.js";
import { Turns } from "./turns.js";
import { imageReference } from "./validate/image.js";
import { absolutePath, integer, text } from "./validate/scalars.js";

/** More creations at once make each of them slower, and none faster. */
const ENGINE_TURNS = 8;

/** The agent's own client. */
export const agentClient: AgentFactory = (options) => new AgentClient(options);

/** Puts the parts of a manager together. @throws `invalid_argument` where an option does not fit. */
export function coreOf(
  options: ContainerManagerOptions,
  createAgent: AgentFactory,
): { core: Core; prefix: string; defaultImage: string } {
  const { backend, clock = systemClock, logger = silentLogger, env = process.env } = options;
  const prefix = parsePrefix(options.prefix ?? DEFAULT_PREFIX);
  const defaultImage = imageReference(
    "defaultImage",
    options.defaultImage ?? (env["PODKIT_DEFAULT_IMAGE"] || DEFAULT_IMAGE),
  );
  const workspace = options.workspace === undefined ? undefined : folder("workspace", options.workspace);
  const workspaceHost =
    options.workspaceHost === undefined ? workspace : absolutePath("workspaceHost", options.workspaceHost);
  const reconnectGraceMs =
    options.reconnectGraceMs === undefined
      ? undefined
      : integer(0, 600_000, "milliseconds")("reconnectGraceMs", options.reconnectGraceMs);
  const core: Core = {
    backend,
    agent: options.agent ?? agentSource(),
    events: options.events ?? new EventBus({ logger }),
    clock,
    logger,
    connections: new Connections({ backend, createAgent, clock, logger, reconnectGraceMs }),
    beforeCreate: options.beforeCreate,
    workspace,
    workspaceHost,
    mounts: options.mounts ?? (workspace === undefined ? () => [] : workspaceMount),
    draw: drawPort,
    parent: systemSources,
    turns: new Turns(ENGINE_TURNS),
  };
  return { core, prefix, defaultImage };
}

/** A relative workspace would mean another folder after a change of directory, so that it is fixed at once. */
function folder(field: string, value: unknown): string {
  const path = text(4_096, 1)(field, value);
  return resolve(absolutePath(field, path.startsWith("/") ? path : resolve(path)));
}
