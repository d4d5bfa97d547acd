import { type CallOptions, type ContainerInfo, ENGINE_TIMEOUT_MS, PodkitError, withDeadline } from "@podkit/core";
import { facts, sleep } from "../core.js";
import { asPodkitError, connectionTarget, lookUp } from "../create/reach.js";
import { effective, parseRecord } from "../labels/record.js";
import { unsupported } from "../spec/unsupported.js";
import type { Current } from "./current.js";

/** How long everything inside may take to end after it was asked to, in ms. */
const GRACE_MS = 2_000;
/** How long the agent may take for the asking, and the container for its end after the grace, in ms. */
const ASK_TIMEOUT_MS = 3_000;
const POLL_MS = 20;

/** Ends everything in the container and the container; its files stay. Stopped or gone already is fine. */
export async function stopSandbox(current: Current, options: CallOptions): Promise<void> {
  const { core } = current.options;
  const info = await current.inspect(options);
  if (info === null || info.state === "stopped" || info.state === "created") return;
  try {
    await resumePaused(current, info, options);
    const asked = await askToStop(current, info, options);
    if (!asked || !(await hasStopped(current, info.id, options))) {
      await core.backend.stop(info.id, { ...options, graceMs: GRACE_MS, timeoutMs: ENGINE_TIMEOUT_MS });
    }
  } catch (error) {
    core.events.emit({
      type: "container.stopFailed",
      ...facts(core, current.options, info.id),
      error: asPodkitError(error),
    });
    throw error;
  }
  core.connections.drop(info.id);
  const after = await lookUp(core, info.id, options);
  core.events.emit({
    type: "container.stopped",
    ...facts(core, current.options, info.id),
    exitCode: after?.exitCode ?? null,
  });
}

/** Stops all that runs, with the container as it is. @throws `invalid_state` where it does not run. */
export async function pauseSandbox(current: Current, options: CallOptions): Promise<void> {
  const { core, name } = current.options;
  if (!core.backend.capabilities.pause) throw unsupported("pause", core.backend.name);
  const info = await current.inspect(options);
  if (info?.state === "paused") return;
  if (info?.state !== "running") throw notRunning(name, info, "paused");
  core.connections.setPaused(info.id, true);
  try {
    await core.backend.pause(info.id, { ...options, timeoutMs: ENGINE_TIMEOUT_MS });
  } catch (error) {
    const after = await lookUp(core, info.id, {}).catch(() => null);
    if (after?.state !== "paused") core.connections.setPaused(info.id, false);
    throw error;
  }
}

/** Lets all go on that was paused. Running already is fine. @throws `invalid_state` where it is stopped. */
export async function resumeSandbox(current: Current, options: CallOptions): Promise<void> {
  const { core, name } = current.options;
  if (!core.backend.capabilities.pause) throw unsupported("pause", core.backend.name);
  const info = await current.inspect(options);
  if (info?.state !== "running" && info?.state !== "paused") throw notRunning(name, info, "resumed");
  await resumePaused(current, info, options);
  core.connections.setPaused(info.id, false);
}

/** Removes the container. Gone already is fine. */
export async function removeSandbox(current: Current, options: CallOptions): Promise<void> {
  const { core } = current.options;
  const info = await current.inspect(options);
  if (info === null) return;
  core.connections.drop(info.id);
  try {
    await core.backend.remove(info.id, { ...options, timeoutMs: ENGINE_TIMEOUT_MS });
  } catch (error) {
    core.events.emit({
      type: "container.removalFailed",
      ...facts(core, current.options, info.id),
      error: asPodkitError(error),
    });
    throw error;
  }
  core.events.emit({ type: "container.removed", ...facts(core, current.options, info.id) });
}

async function resumePaused(current: Current, info: ContainerInfo, options: CallOptions): Promise<void> {
  if (info.state !== "paused") return;
  const { core } = current.options;
  await core.backend.unpause(info.id, { ...options, timeoutMs: ENGINE_TIMEOUT_MS });
  core.connections.setPaused(info.id, false);
}

/** True where the agent took it on; an agent that is not PID 1 cannot end the container. */
async function askToStop(current: Current, info: ContainerInfo, options: CallOptions): Promise<boolean> {
  const { core, name } = current.options;
  try {
    const record = parseRecord(info.labels, name);
    if (effective(record).agentAsInit === false) return false;
    const target = connectionTarget({ containerId: info.id, name, record }, core.backend.capabilities.anyUser);
    const lease = await core.connections.acquire(target, { ...options, timeoutMs: ASK_TIMEOUT_MS });
    try {
      await withDeadline(`Asking the agent of ${name} to stop`, { ...options, timeoutMs: ASK_TIMEOUT_MS }, (signal) =>
        lease.agent.shutdown({ signal, graceMs: GRACE_MS }),
      );
    } finally {
      lease.release();
    }
    return true;
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    core.logger.debug("an agent could not be asked to stop, so the engine is", { containerName: name, error });
    return false;
  }
}

async function hasStopped(current: Current, containerId: string, options: CallOptions): Promise<boolean> {
  const { core } = current.options;
  const until = core.clock.now() + GRACE_MS + ASK_TIMEOUT_MS;
  for (let wait = POLL_MS; ; wait = Math.min(wait * 2, 200)) {
    const info = await lookUp(core, containerId, options);
    if (info === null || info.state === "stopped") return true;
    if (core.clock.now() >= until) return false;
    await sleep(core.clock, wait, options);
  }
}

function notRunning(name: string, info: ContainerInfo | null, wanted: string): PodkitError {
  const is = info === null ? "is gone" : `is ${info.state}`;
  return new PodkitError(
    "invalid_state",
    `Container ${name} ${is}, so that it cannot be ${wanted}. The next command starts it.`,
    {
      details: { containerName: name, state: info?.state ?? null },
    },
  );
}
