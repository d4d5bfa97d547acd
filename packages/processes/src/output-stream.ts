import { Readable } from "node:stream";

/** Bytes of one stream that are kept on this side while nobody reads. */
export const OUTPUT_BUFFER_BYTES = 256 * 1024;

/** What a command writes, as a Node stream: {@link accept} gives a promise while the reader is behind. */
export class OutputStream extends Readable {
  #waiting: (() => void)[] = [];

  constructor() {
    super({ highWaterMark: OUTPUT_BUFFER_BYTES });
    // A lost command is told by `wait`; a stream that nobody looks at must not end the program.
    this.on("error", () => undefined);
  }

  /** Hands a chunk to the reader; the promise, where there is one, settles once the reader wants more. */
  accept(chunk: Uint8Array): void | Promise<void> {
    if (this.destroyed || chunk.byteLength === 0 || this.push(compact(chunk))) return;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Nothing comes any more. */
  finish(): void {
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {
    this.#go();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#go();
    callback(error);
  }

  #go(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** A small piece may be a window of a much larger buffer, which must not wait with it for a reader. */
function compact(chunk: Uint8Array): Uint8Array {
  return chunk.buffer.byteLength <= 2 * chunk.byteLength ? chunk : Buffer.from(chunk);
}
