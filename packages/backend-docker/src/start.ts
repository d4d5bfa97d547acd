import { type AgentSource, type DeadlineOptions, type Logger, PodkitError } from "@podkit/core";
import type { AgentVolumes } from "./agent/volume.js";
import type { DockerApi } from "./api.js";
import type { Engine } from "./connect/connection.js";
import { inspectRaw } from "./create.js";
import { containerInfo } from "./inspect.js";
import { containerPath } from "./lifecycle.js";
import { joinNetworks, missingNetworks } from "./networks.js";
import { list, record, text } from "./parse.js";
import { AGENT_FOLDER } from "./spec.js";

/** What a start works with. */
export interface StartContext {
  readonly api: DockerApi;
  readonly engine: () => Promise<Engine>;
  readonly volumes: AgentVolumes;
  /** Agents that containers were made with here. */
  readonly agents: readonly AgentSource[];
  readonly logger: Logger;
}

/** Starts a container; what its creation left undone is done first, and an agent's volume that somebody emptied is filled again. */
export async function startContainer(context: StartContext, id: string, options: DeadlineOptions): Promise<void> {
  const { api } = context;
  const raw = await inspectRaw(api, id, options);
  const info = containerInfo(raw);
  await joinNetworks(api, id, missingNetworks(info.labels, Object.keys(info.networks)), options);
  try {
    await start(api, id, options);
  } catch (error) {
    if (!isAgentMissing(error) || !(await refill(context, raw, info.image))) throw error;
    context.logger.warn("The agent's volume had been emptied; it was filled again.", { container: id });
    await start(api, id, options);
  }
}

async function start(api: DockerApi, id: string, options: DeadlineOptions): Promise<void> {
  await api.json(
    {
      doing: `Starting container ${id}`,
      subject: { kind: "container", name: id },
      method: "POST",
      path: `${containerPath(id)}/start`,
    },
    options,
  );
}

function isAgentMissing(error: unknown): boolean {
  return (
    error instanceof PodkitError &&
    error.message.includes(AGENT_FOLDER) &&
    /no such file|permission denied|exec format error/i.test(error.message)
  );
}

async function refill(context: StartContext, raw: unknown, image: string): Promise<boolean> {
  const mounts = list(record(raw)["Mounts"]).map(record);
  const volume = text(mounts.find((mount) => mount["Destination"] === AGENT_FOLDER)?.["Name"]);
  const { info, clockAheadMs } = await context.engine();
  for (const agent of context.agents) {
    const request = { agent, image, platform: info.platform, clockAheadMs };
    if ((await context.volumes.names(request)).volume !== volume) continue;
    await context.volumes.ensure(context.api, request, true);
    return true;
  }
  return false;
}
