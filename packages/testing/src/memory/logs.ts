import type { LogChunk } from "@podkit/core";

/** What PID 1 of a fake container wrote. */
export class LogBook {
  readonly #chunks: LogChunk[] = [];
  readonly #waiting = new Set<() => void>();
  #open = false;

  /** The container runs: followers wait. */
  open(): void {
    this.#open = true;
  }

  /** The container ended: followers end. */
  close(): void {
    this.#open = false;
    this.#wake();
  }

  add(chunk: LogChunk): void {
    this.#chunks.push(chunk);
    this.#wake();
  }

  async *read(options: {
    readonly tail?: number | undefined;
    readonly follow?: boolean | undefined;
    readonly signal?: AbortSignal | undefined;
  }): AsyncGenerator<LogChunk> {
    let at = this.#chunks.length;
    yield* lastLines(this.#chunks.slice(), options.tail);
    while (options.follow === true) {
      const changed = new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        options.signal?.addEventListener("abort", () => resolve(), { once: true });
      });
      const fresh = this.#chunks.slice(at);
      at += fresh.length;
      yield* fresh;
      if (!this.#open || options.signal?.aborted === true) return;
      await changed;
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** The last lines of all chunks; each line keeps its stream. */
function lastLines(chunks: readonly LogChunk[], tail: number | undefined): LogChunk[] {
  if (tail === undefined) return [...chunks];
  const lines = chunks.flatMap(({ stream, data }) =>
    (
      Buffer.from(data)
        .toString()
        .match(/[^\n]*\n|[^\n]+$/g) ?? []
    ).map((line) => ({ stream, data: Buffer.from(line) })),
  );
  return tail === 0 ? [] : lines.slice(-tail);
}
