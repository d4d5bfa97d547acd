import { protocolError } from "./violation.js";

/** Follows the offsets of one output stream, and refuses what no agent would send. */
export class OutputTrack {
  readonly #name: string;
  /** Most bytes that may be delivered; null: nothing may be dropped. */
  readonly #cap: number | null;
  #received = 0;
  #delivered = 0;
  #dropped = 0;

  constructor(name: string, cap: number | null) {
    this.#name = name;
    this.#cap = cap;
  }

  /** Where the next byte is expected. */
  get received(): number {
    return this.#received;
  }

  /**
   * Takes a piece. A gap is what was dropped between head and tail: there is at most one, and none where nothing may be dropped.
   * @throws `internal` (reason `protocol`).
   */
  accept(offset: number, length: number): void {
    const gap = offset - this.#received;
    if (gap !== 0) this.#acceptGap(gap);
    this.#received = offset + length;
    this.#delivered += length;
    if (this.#cap !== null && this.#delivered > this.#cap) {
      throw protocolError(`${this.#name} has more than the ${this.#cap} bytes that were asked for`);
    }
  }

  /**
   * Compares with what the agent says in the end, and gives the bytes that were dropped.
   * @throws `internal` (reason `protocol`) where output is missing.
   */
  finish(total: number): number {
    const gap = total - this.#received;
    if (gap !== 0) {
      if (this.#delivered !== this.#cap) {
        throw protocolError(`${this.#name} ended at ${this.#received} of ${total} bytes`);
      }
      this.#acceptGap(gap);
    }
    return this.#dropped;
  }

  #acceptGap(gap: number): void {
    if (gap < 0) throw protocolError(`${this.#name} went back by ${-gap} bytes`);
    if (this.#cap === null) throw protocolError(`${this.#name} lacks ${gap} bytes`);
    if (this.#dropped > 0) throw protocolError(`${this.#name} has a second gap`);
    this.#dropped = gap;
  }
}
