import { Duplex } from "node:stream";
import type { ByteStream } from "@podkit/core";

/** One side of a pair of byte streams in memory; it counts what holds the event loop. */
export class PairedStream extends Duplex implements ByteStream {
  other: PairedStream | undefined;
  held = true;
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

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const { other } = this;
    if (other === undefined || other.destroyed || other.push(chunk)) process.nextTick(done);
    else other.#resume = done;
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
