import { type ExecHandle, type ExecOptions, PodkitError } from "@podkit/core";

type Stdin = NonNullable<ExecOptions["stdin"]>;

/** What feeds a command's stdin. */
export interface Feed {
  /** Lets go of the source; the command has ended. */
  stop(): void;
}

/**
 * Writes the whole source to a command and then ends its stdin. A command may end before it read everything: that is no failure. A
 * source that fails is one, and is told to `onFailure`.
 */
export function feedStdin(handle: ExecHandle, source: Stdin, onFailure: (error: unknown) => void): Feed {
  if (typeof source === "string" || source instanceof Uint8Array) {
    const bytes = typeof source === "string" ? Buffer.from(source, "utf8") : source;
    const written =
      bytes.byteLength === 0 ? handle.closeStdin() : handle.writeStdin(bytes).then(() => handle.closeStdin());
    written.catch(() => undefined);
    return { stop: () => undefined };
  }
  const iterator = source[Symbol.asyncIterator]();
  let stopped = false;
  void pump(handle, iterator, () => stopped, onFailure);
  return {
    stop: () => {
      if (stopped) return;
      stopped = true;
      // Not waited for: a source that hangs must not hold back a command that has ended.
      Promise.resolve(iterator.return?.()).catch(() => undefined);
    },
  };
}

async function pump(
  handle: ExecHandle,
  iterator: AsyncIterator<Uint8Array>,
  stopped: () => boolean,
  onFailure: (error: unknown) => void,
): Promise<void> {
  while (!stopped()) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await iterator.next();
      if (next.done !== true) checkChunk(next.value);
    } catch (error) {
      if (!stopped()) onFailure(error);
      return;
    }
    try {
      if (next.done === true) return await handle.closeStdin();
      if (!stopped()) await handle.writeStdin(next.value);
    } catch {
      // The command ended, or was lost: `wait` tells which. Its source is let go of there.
      return;
    }
  }
}

function checkChunk(chunk: unknown): void {
  if (chunk instanceof Uint8Array) return;
  throw new PodkitError("invalid_argument", "The source of stdin gave something else than a Uint8Array.", {
    details: { field: "stdin" },
  });
}
