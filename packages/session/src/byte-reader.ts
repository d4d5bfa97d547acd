import { badTar } from "./tar-header.js";

const EMPTY = new Uint8Array();

/** Reads a stream of chunks by counts of bytes. */
export class ByteReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = EMPTY;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** At least one byte and at most `limit`. @throws where the stream ended. */
  async some(limit: number): Promise<Uint8Array> {
    while (this.#rest.byteLength === 0) {
      const next = await this.#iterator.next();
      if (next.done === true) throw badTar("it ends too early");
      this.#rest = next.value;
    }
    const part = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(part.byteLength);
    return part;
  }

  /** Just so many bytes. @throws where the stream ended. */
  async exactly(count: number): Promise<Uint8Array> {
    if (count === 0) return EMPTY;
    const first = await this.some(count);
    if (first.byteLength === count) return first;
    const all = new Uint8Array(count);
    all.set(first);
    for (let at = first.byteLength; at < count; ) {
      const part = await this.some(count - at);
      all.set(part, at);
      at += part.byteLength;
    }
    return all;
  }

  /** Lets go of the stream. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
