import { PodkitError } from "@podkit/core";

/** What a pool hands out. */
export interface PortPoolOptions {
  /** First port, 1 to 65535. */
  readonly first: number;
  /** Last port, inclusive. */
  readonly last: number;
  /** Ports of one block. Default 1. */
  readonly blockSize?: number | undefined;
}

/** Hands out blocks of host ports, the lowest free one first. It keeps account only; whether a port is taken by something else is the engine's to say. */
export class PortPool {
  readonly #first: number;
  readonly #size: number;
  readonly #taken: boolean[];

  /** @throws `invalid_argument` where the range holds no block. */
  constructor(options: PortPoolOptions) {
    const { first, last, blockSize = 1 } = options;
    const whole = [first, last, blockSize].every(Number.isSafeInteger);
    if (!whole || first < 1 || last > 65_535 || blockSize < 1 || last - first + 1 < blockSize) {
      throw new PodkitError(
        "invalid_argument",
        `A pool of ports takes first and last from 1 to 65535 and room for one block at least, not ${first} to ${last} in blocks of ${blockSize}.`,
        { details: { first, last, blockSize } },
      );
    }
    this.#first = first;
    this.#size = blockSize;
    this.#taken = Array.from({ length: Math.floor((last - first + 1) / blockSize) }, () => false);
  }

  /** How many blocks are free. */
  get free(): number {
    return this.#taken.filter((taken) => !taken).length;
  }

  /** The lowest free block, in rising order. @throws `resource_exhausted` where none is left. */
  acquire(): readonly number[] {
    const index = this.#taken.indexOf(false);
    if (index < 0) {
      throw new PodkitError(
        "resource_exhausted",
        `All ${this.#taken.length} blocks of the port pool are in use. Release one, or widen its range.`,
        {
          retryable: true,
          details: { blocks: this.#taken.length, blockSize: this.#size },
        },
      );
    }
    this.#taken[index] = true;
    const start = this.#first + index * this.#size;
    return Array.from({ length: this.#size }, (_, offset) => start + offset);
  }

  /** Gives a block back. Free already is fine. @throws `invalid_argument` where it is no block of this pool. */
  release(block: readonly number[]): void {
    const start = block[0] ?? Number.NaN;
    const index = (start - this.#first) / this.#size;
    const ours = block.length === this.#size && block.every((port, offset) => port === start + offset);
    if (!ours || !Number.isInteger(index) || index < 0 || index >= this.#taken.length) {
      throw new PodkitError(
        "invalid_argument",
        `[${block.slice(0, 16).join(", ")}] is no block of this pool: give back what acquire() gave.`,
      );
    }
    this.#taken[index] = false;
  }
}
