/** How much of a stream may wait for its reader. */
const WINDOW_BYTES = 1024 * 1024;
const PIECE_BYTES = 256 * 1024;

/** A piece of output and where it begins. */
export interface Piece {
  readonly offset: number;
  readonly data: Buffer;
}

/** One output stream of a command: capped with head and tail kept, or held back until it is read. */
export class Output {
  readonly #cap: number | null;
  readonly #headCap: number;
  #head = Buffer.alloc(0);
  /** In stream mode: everything from `#base` on. In capture mode: what comes after the head. */
  #tail = Buffer.alloc(0);
  #base = 0;
  #total = 0;
  #closed = false;
  #room: (() => void) | undefined;
  readonly #changed: () => void;

  constructor(cap: number | null, changed: () => void) {
    this.#cap = cap;
    this.#headCap = cap === null ? 0 : Math.ceil(cap / 2);
    this.#changed = changed;
  }

  get total(): number {
    return this.#total;
  }

  /** Takes bytes; settles once there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) return;
    this.#total += bytes.length;
    if (this.#cap === null) this.#tail = Buffer.concat([this.#tail, bytes]);
    else this.#keep(bytes, this.#cap - this.#headCap);
    this.#changed();
    while (this.#cap === null && !this.#closed && this.#tail.length >= WINDOW_BYTES) {
      await new Promise<void>((resolve) => (this.#room = resolve));
    }
  }

  #keep(bytes: Uint8Array, tailCap: number): void {
    const toHead = Math.min(this.#headCap - this.#head.length, bytes.length);
    if (toHead > 0) this.#head = Buffer.concat([this.#head, bytes.subarray(0, toHead)]);
    const tail = Buffer.concat([this.#tail, bytes.subarray(toHead)]);
    this.#tail = tail.subarray(Math.max(0, tail.length - tailCap));
    this.#base = this.#total - this.#tail.length;
  }

  /** The reader has everything below `offset`. */
  acknowledge(offset: number): void {
    if (this.#cap !== null) return;
    const done = Math.min(offset, this.#total) - this.#base;
    if (done <= 0) return;
    this.#tail = this.#tail.subarray(done);
    this.#base += done;
    if (this.#tail.length < WINDOW_BYTES) this.#room?.();
  }

  /** No more comes. */
  close(): void {
    this.#closed = true;
    this.#room?.();
    this.#changed();
  }

  /** What follows `offset`; undefined where nothing is there, yet or ever. The tail of a capped stream comes once it is complete. */
  next(offset: number): Piece | undefined {
    if (offset < this.#head.length) return { offset, data: this.#head.subarray(offset, offset + PIECE_BYTES) };
    if (this.#cap !== null && !this.#closed) return undefined;
    const from = Math.max(offset, this.#base);
    if (from >= this.#total) return undefined;
    return { offset: from, data: this.#tail.subarray(from - this.#base, from - this.#base + PIECE_BYTES) };
  }
}
