import { Duplex } from "node:stream";
import type { ByteStream } from "@podkit/core";

/**
 * One side of a connection in memory. A write is done once the other side has it in its buffer, as with a socket: node's
 * `duplexPair` waits until it is read, and two HTTP/2 sessions that write at the same time then wait for each other.
 */
class Side extends Duplex implements ByteStream {
  #other: Side | undefined;

  join(other: Side): void {
    this.#other = other;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#other?.push(chunk);
    done();
  }

  override _final(done: () => void): void {
    this.#other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    done(error);
    // The other side sees an end first, and then the close.
    const other = this.#other;
    if (other === undefined || other.destroyed) return;
    other.push(null);
    setImmediate(() => other.destroy());
  }

  /** Nothing of it is the operating system's: it never holds the event loop. */
  ref(): void {}

  unref(): void {}
}

/** Two ends of one connection. The end of one is the end of the other. */
export function createPair(): [ByteStream, ByteStream] {
  const [a, b] = [new Side(), new Side()];
  a.join(b);
  b.join(a);
  return [a, b];
}
