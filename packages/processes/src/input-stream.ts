import { Writable } from "node:stream";
import type { ExecHandle } from "@podkit/core";

type Callback = (error?: Error | null) => void;

/** What a command reads, as a Node stream: a write's callback comes once the agent took the bytes. */
export class InputStream extends Writable {
  readonly #handle: Pick<ExecHandle, "writeStdin" | "closeStdin">;
  #finished = false;

  constructor(handle: Pick<ExecHandle, "writeStdin" | "closeStdin">) {
    super({ highWaterMark: 64 * 1024 });
    this.#handle = handle;
    // A command may end before it read everything; that is no reason to end the program.
    this.on("error", () => undefined);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#handle.writeStdin(chunk).then(() => callback(), callback);
  }

  override _writev(chunks: { readonly chunk: Buffer }[], callback: Callback): void {
    this.#handle.writeStdin(Buffer.concat(chunks.map(({ chunk }) => chunk))).then(() => callback(), callback);
  }

  override _final(callback: Callback): void {
    this.#finished = true;
    this.#handle.closeStdin().then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    if (!this.#finished) this.#handle.closeStdin().catch(() => undefined);
    callback(error);
  }
}
