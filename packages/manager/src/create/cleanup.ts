import { ENGINE_TIMEOUT_MS, PodkitError } from "@podkit/core";
import { type Core, facts } from "../core.js";
import { asPodkitError, connectionTarget, lookUp } from "./reach.js";
import type { Started } from "./startup.js";

/** How long the agent of a half-made container is asked whether somebody uses it, in ms. */
const ASK_TIMEOUT_MS = 2_000;

/**
 * Removes a container whose creation failed, and tells of a removal that fails; it never throws. Where the caller merely went away, a
 * container that runs and that somebody already used is left: another program adopted it.
 */
export async function discard(core: Core, container: Started, cause: unknown): Promise<void> {
  const { containerId } = container;
  try {
    const gaveUp = PodkitError.is(cause, "aborted") || PodkitError.is(cause, "timeout");
    if (gaveUp && (await isInUse(core, container))) return;
    core.connections.drop(containerId);
    await core.backend.remove(containerId, { timeoutMs: ENGINE_TIMEOUT_MS });
  } catch (error) {
    core.events.emit({
      type: "container.removalFailed",
      ...facts(core, container, containerId),
      error: asPodkitError(error),
    });
  }
}

/** A container that nobody used holds nothing; a program that waits to use it makes it again. */
async function isInUse(core: Core, container: Started): Promise<boolean> {
  const info = await lookUp(core, container.containerId, {});
  if (info?.state !== "running") return info?.state === "paused";
  try {
    const target = connectionTarget(container, core.backend.capabilities.anyUser);
    const lease = await core.connections.acquire(target, { timeoutMs: ASK_TIMEOUT_MS });
    try {
      const { running, lastActivityAt, startedAt } = await lease.agent.status({ timeoutMs: ASK_TIMEOUT_MS });
      return running.execs > 0 || running.processes > 0 || lastActivityAt > startedAt;
    } finally {
      lease.release();
    }
  } catch {
    return false;
  }
}
