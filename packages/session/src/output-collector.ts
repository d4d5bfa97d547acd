import { Blocks } from "./blocks.js";

/** What was collected of one stream. */
export interface Collected {
  /** Everything, or what came before the gap. */
  readonly head: Uint8Array;
  /** What came after the gap; empty where nothing was dropped. */
  readonly tail: Uint8Array;
  /** Bytes dropped between head and tail. */
  readonly dropped: number;
}

/** Where a cap divides what is kept: so many bytes before the gap, the rest after it. As the agent divides it. */
export function headCap(cap: number): number {
  return cap - Math.floor(cap / 2);
}

/** Keeps a stream's first and last bytes, at most `cap` together, however much comes and in however small pieces. */
export class OutputCollector {
  readonly #head = new Blocks();
  readonly #tail = new Blocks();
  #dropped = 0;
  readonly #headCap: number;
  readonly #tailCap: number;

  constructor(cap: number) {
    this.#headCap = headCap(cap);
    this.#tailCap = cap - this.#headCap;
  }

  /** Takes a chunk over; it must not be changed afterwards. */
  add(chunk: Uint8Array): void {
    const room = this.#headCap - this.#head.length;
    if (room >= chunk.byteLength) {
      this.#head.push(chunk);
      return;
    }
    if (room > 0) this.#head.push(chunk.subarray(0, room));
    this.#tail.push(room > 0 ? chunk.subarray(room) : chunk);
    const excess = this.#tail.length - this.#tailCap;
    if (excess <= 0) return;
    this.#tail.drop(excess);
    this.#dropped += excess;
  }

  /** What was kept. `droppedBefore`: bytes that the agent dropped at the gap already. */
  finish(droppedBefore: number): Collected {
    const dropped = this.#dropped + droppedBefore;
    if (dropped === 0) return { head: this.#head.join(this.#tail), tail: new Uint8Array(), dropped };
    return { head: this.#head.join(), tail: this.#tail.join(), dropped };
  }
}
