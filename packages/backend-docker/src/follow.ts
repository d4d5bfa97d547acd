import type { Readable } from "node:stream";
import { abortedError, type CallOptions } from "@podkit/core";
import type { DockerApi } from "./api.js";
import { type Subject, translate } from "./errors.js";

/** What is being followed. */
export interface Following {
  readonly api: DockerApi;
  readonly doing: string;
  readonly subject?: Subject;
}

/** Runs an iteration over a stream of the engine: an abort ends it at once, its failures are podkit's, and it leaves no request behind. */
export async function* following<T>(
  what: Following,
  stream: Readable,
  options: CallOptions,
  items: AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const { signal } = options;
  const stop = (): void => void stream.destroy(abortedError(what.doing, signal?.reason));
  signal?.addEventListener("abort", stop, { once: true });
  try {
    if (signal?.aborted === true) throw abortedError(what.doing, signal.reason);
    yield* items;
  } catch (error) {
    if (signal?.aborted === true) throw abortedError(what.doing, signal.reason);
    throw translate(error, what.doing, what.api.endpoint, what.subject);
  } finally {
    signal?.removeEventListener("abort", stop);
    stream.destroy();
  }
}
