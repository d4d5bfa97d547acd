/** What was collected of one stream. */
export interface Collected {
  /** Everything, or what came before the gap. */
  readonly head: Uint8Array;
  /** What came after the gap; empty where nothing was dropped. */
  readonly tail: Uint8Array;
  /** Bytes dropped between head and tail. */
  readonly dropped: number;
}

/** Where a cap divides what is kept: so many bytes before the gap, the rest after it. As the agent does it. */
export function headCap(cap: number): number {
  return Math.floor(cap / 2);
}

/** Keeps a stream's first and last bytes, at most `cap` together, however much comes. */
export class OutputCollector {
  readonly #head: Uint8Array[] = [];
  #headBytes = 0;
  #tail: Uint8Array[] = [];
  /** Chunks at the front of the tail that are dropped already. */
  #skip = 0;
  #tailBytes = 0;
  #dropped = 0;
  readonly #headCap: number;
  readonly #tailCap: number;

  constructor(cap: number) {
    this.#headCap = headCap(cap);
    this.#tailCap = cap - this.#headCap;
  }

  /** Takes a chunk over; it must not be changed afterwards. */
  add(chunk: Uint8Array): void {
    const room = this.#headCap - this.#headBytes;
    if (room > 0) {
      const part = chunk.byteLength <= room ? chunk : chunk.subarray(0, room);
      this.#head.push(part);
      this.#headBytes += part.byteLength;
    }
    if (chunk.byteLength > room) this.#addTail(room > 0 ? chunk.subarray(room) : chunk);
  }

  /** What was kept. `droppedBefore`: bytes that the agent dropped at the gap already. */
  finish(droppedBefore: number): Collected {
    const dropped = this.#dropped + droppedBefore;
    const tail = this.#tail.slice(this.#skip);
    if (dropped === 0) return { head: join([...this.#head, ...tail]), tail: new Uint8Array(), dropped: 0 };
    return { head: join(this.#head), tail: join(tail), dropped };
  }

  #addTail(chunk: Uint8Array): void {
    this.#tail.push(chunk);
    this.#tailBytes += chunk.byteLength;
    while (this.#tailBytes > this.#tailCap) this.#dropFront();
  }

  #dropFront(): void {
    const first = this.#tail[this.#skip];
    if (first === undefined) return;
    const bytes = Math.min(this.#tailBytes - this.#tailCap, first.byteLength);
    this.#tailBytes -= bytes;
    this.#dropped += bytes;
    if (bytes < first.byteLength) {
      this.#tail[this.#skip] = first.subarray(bytes);
      return;
    }
    this.#skip += 1;
    if (this.#skip > 64 && this.#skip * 2 > this.#tail.length) {
      this.#tail = this.#tail.slice(this.#skip);
      this.#skip = 0;
    }
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const only = chunks[0];
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}
