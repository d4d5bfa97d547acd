import { type AgentSource, type Clock, type DeadlineOptions, type Logger, PodkitError } from "@podkit/core";
import type { AgentVolumes } from "./agent/volume.js";
import type { DockerApi } from "./api.js";
import type { Engine } from "./connect/connection.js";
import { containerInfo } from "./inspect.js";
import { containerPath } from "./lifecycle.js";
import { joinNetworks, missingNetworks } from "./networks.js";
import { list, record, text } from "./parse.js";
import { inspectSettled, isBeingRemoved } from "./removal.js";
import { AGENT_FOLDER } from "./spec.js";

/** What a start works with. */
export interface StartContext {
  readonly api: DockerApi;
  readonly engine: () => Promise<Engine>;
  readonly volumes: AgentVolumes;
  /** Agents that containers were made with here. */
  readonly agents: readonly AgentSource[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Starts a container; what its creation left undone is done first, and an agent's volume that somebody emptied is filled again.
 * @throws `not_found` where somebody removes it meanwhile, once it is gone.
 */
export async function startContainer(context: StartContext, id: string, options: DeadlineOptions): Promise<void> {
  try {
    await begin(context, id, options);
  } catch (error) {
    if (!isBeingRemoved(error)) throw error;
    await inspectSettled(context.api, context.clock, id, options);
    throw new PodkitError(
      "invalid_state",
      `Container ${id} cannot be started: its removal failed half-way. Remove it (\`docker rm -f\`), then try again.`,
      { cause: error, details: { reason: "dead", kind: "container", name: id } },
    );
  }
}

async function begin(context: StartContext, id: string, options: DeadlineOptions): Promise<void> {
  const { api, clock } = context;
  const raw = await inspectSettled(api, clock, id, options);
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
