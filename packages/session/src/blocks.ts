const SMALLEST_BLOCK = 4 * 1024;
const LARGEST_BLOCK = 64 * 1024;

interface Block {
  readonly bytes: Uint8Array;
  start: number;
  end: number;
  /** True where more may be copied in behind `end`. */
  readonly own: boolean;
}

/**
 * Bytes in the order in which they came. Small pieces are copied together: each of them may be a window of a much larger buffer, and a
 * command that writes byte by byte must not keep all of those in memory.
 */
export class Blocks {
  #blocks: Block[] = [];
  /** Blocks at the front that are dropped already. */
  #skip = 0;
  #length = 0;

  /** Bytes that are held. */
  get length(): number {
    return this.#length;
  }

  /** Adds a piece; one that is large may be kept as it is, and must not be changed afterwards. */
  push(piece: Uint8Array): void {
    this.#length += piece.byteLength;
    if (piece.byteLength >= LARGEST_BLOCK / 2 && piece.buffer.byteLength <= 2 * piece.byteLength) {
      this.#blocks.push({ bytes: piece, start: 0, end: piece.byteLength, own: false });
      return;
    }
    for (let at = 0; at < piece.byteLength; ) {
      const block = this.#withRoom(piece.byteLength - at);
      const part = piece.subarray(at, at + block.bytes.byteLength - block.end);
      block.bytes.set(part, block.end);
      block.end += part.byteLength;
      at += part.byteLength;
    }
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    let left = Math.min(count, this.#length);
    this.#length -= left;
    for (let first = this.#blocks[this.#skip]; left > 0 && first !== undefined; first = this.#blocks[this.#skip]) {
      const bytes = Math.min(left, first.end - first.start);
      first.start += bytes;
      left -= bytes;
      if (first.start < first.end) return;
      this.#forgetFirst();
    }
  }

  /** All bytes, in one piece. */
  join(...more: readonly Blocks[]): Uint8Array {
    const parts = [this, ...more].flatMap((blocks) => blocks.#parts());
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }

  #parts(): Uint8Array[] {
    return this.#blocks.slice(this.#skip).map(({ bytes, start, end }) => bytes.subarray(start, end));
  }

  #withRoom(wanted: number): Block {
    const last = this.#blocks.at(-1);
    if (last?.own === true && last.end < last.bytes.byteLength && this.#blocks.length > this.#skip) return last;
    const before = last?.own === true ? last.bytes.byteLength * 2 : SMALLEST_BLOCK;
    const size = Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, before, wanted));
    const made: Block = { bytes: Buffer.allocUnsafeSlow(size), start: 0, end: 0, own: true };
    this.#blocks.push(made);
    return made;
  }

  #forgetFirst(): void {
    this.#skip += 1;
    if (this.#skip < 64 && this.#skip < this.#blocks.length) return;
    this.#blocks = this.#blocks.slice(this.#skip);
    this.#skip = 0;
  }
}
