import type { Duplex } from "node:stream";

/**
 * A byte stream to a program inside a container. Ends (`close`) when the program, the container or the connection to
 * the engine ends; `error` comes before that where the engine says why.
 */
export interface ByteStream extends Duplex {
  /** Lets the stream hold the event loop. */
  ref(): void;
  /** Lets the program end although the stream is open. */
  unref(): void;
}
