import { AGENT_EXIT } from "@podkit/agent";
import { type ContainerInfo, PodkitError } from "@podkit/core";
import type { Lease } from "../connection.js";
import { type Core, sleep } from "../core.js";
import { lookUp } from "../create/reach.js";
import { effective, type StoredRecord } from "../labels/record.js";

/** An agent that said that it is ending may take so long for it, in ms: its grace, and a busy engine. */
const ENDING_MS = 10_000;
const POLL_MS = 20;

/**
 * Decides whether a call that failed began nothing because its container had just ended, so that it can be run again in the
 * healed one. What proves it:
 * - the agent said that it is ending (`stopping`): it begins nothing then;
 * - the client says that it never reached the agent (`retryable`), and the container does not run;
 * - the container ended by its idle stop within less than its lifetime after the call: anything begun would have held that off.
 */
export async function endedBeforeItBegan(
  core: Core,
  record: StoredRecord | null,
  lease: Lease,
  error: unknown,
  call: { readonly since: number; readonly repeat: boolean },
): Promise<boolean> {
  if (!PodkitError.is(error) || (error.code !== "exec_lost" && error.code !== "unavailable")) return false;
  if (error.code === "unavailable" && error.details["reason"] === "stopping")
    return await hasEnded(core, lease.containerId);
  if (error.retryable && call.repeat && !lease.alive) return true;
  const info = await lookUp(core, lease.containerId, {}).catch(() => undefined);
  if (info === undefined || info?.state === "running" || info?.state === "paused") return false;
  return (error.retryable && call.repeat) || (info !== null && restedSince(core, record, info, call.since));
}

function restedSince(core: Core, record: StoredRecord | null, info: ContainerInfo, since: number): boolean {
  if (record === null || record.made.program || info.exitCode !== AGENT_EXIT.idle) return false;
  const { containerLifetimeMs } = effective(record);
  return containerLifetimeMs !== undefined && core.clock.now() - since < containerLifetimeMs;
}

async function hasEnded(core: Core, containerId: string): Promise<boolean> {
  const until = core.clock.now() + ENDING_MS;
  do {
    const info = await lookUp(core, containerId, {}).catch(() => undefined);
    if (info === null || info?.state === "stopped") return true;
    await sleep(core.clock, POLL_MS);
  } while (core.clock.now() < until);
  return false;
}
