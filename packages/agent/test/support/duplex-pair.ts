import { Duplex } from "node:stream";
import type { ByteStream } from "@podkit/core";

/** One side of a pair of byte streams in memory; it counts what holds the event loop. */
export class PairedStream extends Duplex implements ByteStream {
  other: PairedStream | undefined;
  held = true;
  /** Bytes that it still lets through to the other; then both end, as where a proxy cuts. */
  budget = Number.POSITIVE_INFINITY;
  /** While true nothing gets through to the other, as where a container is paused. */
  frozen = false;
  #kept: (() => void)[] = [];
  /** Bytes that were written to it. */
  sent = 0;
  /** The bytes themselves. */
  readonly written: Buffer[] = [];
  #resume: (() => void) | undefined;

  ref(): void {
    this.held = true;
  }

  unref(): void {
    this.held = false;
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  thaw(): void {
    this.frozen = false;
    for (const write of this.#kept.splice(0)) write();
  }

  override _write(chunk: Buffer, encoding: string, done: () => void): void {
    if (this.frozen) {
      this.#kept.push(() => this._write(chunk, encoding, done));
      return;
    }
    const { other } = this;
    const passed = chunk.subarray(0, this.budget);
    this.budget -= passed.length;
    this.sent += passed.length;
    this.written.push(passed);
    if (other === undefined || other.destroyed || passed.length === 0 || other.push(passed)) process.nextTick(done);
    else other.#resume = done;
    if (this.budget <= 0) setImmediate(() => this.destroy());
  }

  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this;
    this.#resume?.();
    done(error);
    setImmediate(() => other?.destroy());
  }
}

/** Two streams, each of which reads what the other writes; the end of one ends the other. */
export function duplexPair(): [PairedStream, PairedStream] {
  const one = new PairedStream();
  const two = new PairedStream();
  one.other = two;
  two.other = one;
  return [one, two];
}
