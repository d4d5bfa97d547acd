import { type CallOptions, PodkitError } from "@podkit/core";
import type { Lease } from "../connection.js";
import { type Current, replacedError } from "./current.js";

/**
 * An iteration on the agent of a container. It heals before its first piece; after that it belongs to the container that gave it.
 */
export async function* streamFrom<T>(
  current: Current,
  what: string,
  options: CallOptions,
  open: (lease: Lease) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  let repeated = false;
  for (;;) {
    const lease = await current.ready(options);
    let begun = false;
    const since = current.options.core.clock.now();
    try {
      for await (const piece of open(lease)) {
        begun = true;
        yield piece;
      }
      return;
    } catch (error) {
      if (!begun && !repeated && (await current.shouldRepeat(lease, error, { since, repeat: true }))) {
        repeated = true;
        continue;
      }
      if (PodkitError.is(error) && !lease.alive && (await current.isReplaced(lease.containerId))) {
        throw replacedError(what, current.options.name, error);
      }
      throw error;
    }
  }
}
