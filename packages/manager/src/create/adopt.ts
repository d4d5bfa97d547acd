import { type ContainerInfo, ENGINE_TIMEOUT_MS, PodkitError } from "@podkit/core";
import { compareConfigs, conflictError } from "../config/compare.js";
import { type Core, facts } from "../core.js";
import { requireOwn } from "../labels/labels.js";
import { parseRecord } from "../labels/record.js";
import { bringUp, giveUp } from "./make.js";
import { asPodkitError, connectionTarget, lookUp } from "./reach.js";
import { isOtherProtocol, type Started } from "./startup.js";
import { AGAIN, type Attempt, type Wanted } from "./types.js";

/** How long the agent of a running container may take to shake hands, in ms. */
const HANDSHAKE_TIMEOUT_MS = 30_000;

/**
 * Continues the container of an identity that is there, in whatever state: made and never started, running, paused or stopped.
 * @throws `conflict` where it is not podkit's, or has another configuration than was asked for.
 */
export async function adoptContainer(
  core: Core,
  wanted: Wanted,
  found: ContainerInfo,
  avoid: Set<number>,
  signal: AbortSignal,
): Promise<Attempt> {
  requireOwn(found.labels, wanted.identity, wanted.name);
  const container = await accept(core, wanted, found, signal);
  if (container === AGAIN) return AGAIN;
  if (found.state === "paused") return { containerId: found.id, record: container.record, lease: null };
  if (found.state === "running") {
    const running = await reconnect(core, wanted, found, container, signal);
    if (running !== "stopped") return running;
  }
  return await rollForward(core, container, found, avoid, signal);
}

/** Takes the container as it is, or refuses it, or removes it so that another can be made. */
async function accept(
  core: Core,
  wanted: Wanted,
  found: ContainerInfo,
  signal: AbortSignal,
): Promise<Started | typeof AGAIN> {
  try {
    const record = parseRecord(found.labels, wanted.name);
    const differences = wanted.onMismatch === "reuse" ? [] : compareConfigs(wanted.asked, record);
    if (differences.length > 0) throw conflictError(wanted.name, differences);
    const verification = wanted.asked.startupVerification;
    return { identity: wanted.identity, name: wanted.name, containerId: found.id, record, verification };
  } catch (error) {
    if (wanted.onMismatch !== "recreate") throw error;
    return await replace(core, wanted, found.id, signal);
  }
}

async function replace(core: Core, wanted: Wanted, containerId: string, signal: AbortSignal): Promise<typeof AGAIN> {
  core.connections.drop(containerId);
  try {
    await core.backend.remove(containerId, { signal, timeoutMs: ENGINE_TIMEOUT_MS });
  } catch (error) {
    core.events.emit({
      type: "container.removalFailed",
      ...facts(core, wanted, containerId),
      error: asPodkitError(error),
    });
    throw error;
  }
  core.events.emit({ type: "container.removed", ...facts(core, wanted, containerId) });
  return AGAIN;
}

/** The one step of a reconnect: a stream and a handshake. */
async function reconnect(
  core: Core,
  wanted: Wanted,
  found: ContainerInfo,
  container: Started,
  signal: AbortSignal,
): Promise<Attempt | "stopped"> {
  try {
    const target = connectionTarget(container, core.backend.capabilities.anyUser);
    const lease = await core.connections.acquire(target, { signal, timeoutMs: HANDSHAKE_TIMEOUT_MS });
    return { containerId: found.id, record: container.record, lease };
  } catch (error) {
    if (signal.aborted) throw error;
    const now = await lookUp(core, found.id, { signal });
    if (now === null) return AGAIN;
    if (now.state === "stopped" || now.state === "created") return "stopped";
    if (now.state === "paused") return { containerId: found.id, record: container.record, lease: null };
    // An agent of another protocol: only a new container has another agent.
    if (wanted.onMismatch === "recreate" && isOtherProtocol(error))
      return await replace(core, wanted, found.id, signal);
    throw error;
  }
}

/** Starts it. One that never ran is a creation that was cut, and ours to finish or to clear away; any other is never removed here. */
async function rollForward(
  core: Core,
  container: Started,
  found: ContainerInfo,
  avoid: Set<number>,
  signal: AbortSignal,
): Promise<Attempt> {
  core.connections.drop(container.containerId);
  try {
    return await bringUp(core, container, signal);
  } catch (error) {
    if (found.state === "created" && found.startedAt === null) return await giveUp(core, container, avoid, error);
    if (PodkitError.is(error, "not_found") && (await lookUp(core, found.id, {}).catch(() => undefined)) === null)
      return AGAIN;
    core.events.emit({
      type: "container.startFailed",
      ...facts(core, container, container.containerId),
      error: asPodkitError(error),
    });
    throw error;
  }
}
