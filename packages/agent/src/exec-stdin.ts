import { PodkitError } from "@podkit/core";
import { FRAME, offsetFrame } from "./frames.js";
import { protocolError } from "./violation.js";

/** Bytes that may be under way: what an agent takes beyond its last acknowledgement. */
const WINDOW = 1024 * 1024;
/** Bytes in one frame. */
const PIECE = 128 * 1024;

interface Sent {
  readonly end: number;
  readonly frame: Buffer;
}

interface Waiting {
  readonly chunk: Uint8Array;
  at: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The stdin of one command. What was not acknowledged yet is kept, so that it can be sent again over another stream; a write
 * settles once all of it is within the window, which is what holds a fast writer back.
 */
export class ExecStdin {
  readonly #sent: Sent[] = [];
  readonly #waiting: Waiting[] = [];
  #send: ((frame: Buffer) => void) | undefined;
  #offset = 0;
  #acked = 0;
  #closing = false;
  #eofSent = false;
  #ended: Error | "quietly" | undefined;

  /** @throws `invalid_state` after {@link close}. */
  write(chunk: Uint8Array): Promise<void> {
    if (this.#closing) {
      return Promise.reject(
        new PodkitError("invalid_state", "Nothing can be written: the command's stdin was closed before."),
      );
    }
    if (this.#ended === "quietly") return Promise.resolve();
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ chunk, at: 0, resolve, reject });
      this.#fill();
    });
  }

  /** Sends the end after all that was written. */
  close(): void {
    this.#closing = true;
    this.#fill();
  }

  /** A stream stands: sends what the agent did not consume yet. @throws `internal` (reason `protocol`). */
  attach(send: (frame: Buffer) => void, consumed: number): void {
    this.acknowledge(consumed);
    this.#send = send;
    this.#eofSent = false;
    for (const { frame } of this.#sent) send(frame);
    this.#fill();
  }

  /** The stream was cut: nothing is sent until the next one stands. */
  detach(): void {
    this.#send = undefined;
  }

  /** The agent consumed everything below `offset`. @throws `internal` (reason `protocol`). */
  acknowledge(offset: number): void {
    if (offset < this.#acked || offset > this.#offset) {
      throw protocolError(`stdin acknowledged at ${offset}, after ${this.#acked} and of ${this.#offset} sent bytes`);
    }
    this.#acked = offset;
    let gone = 0;
    for (const { end } of this.#sent) {
      if (end > offset) break;
      gone += 1;
    }
    if (gone > 0) this.#sent.splice(0, gone);
    this.#fill();
  }

  /** The command ended: what was not read is nobody's loss, as with a pipe whose reader closed it. */
  end(): void {
    this.#finish("quietly");
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** The command is lost. */
  fail(error: Error): void {
    this.#finish(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #finish(how: Error | "quietly"): void {
    this.#ended ??= how;
    this.#send = undefined;
    this.#sent.length = 0;
  }

  #fill(): void {
    const send = this.#send;
    if (send === undefined) return;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      while (first.at < first.chunk.length) {
        const size = Math.min(PIECE, first.chunk.length - first.at, this.#acked + WINDOW - this.#offset);
        if (size <= 0) return;
        this.#sendPiece(send, first.chunk.subarray(first.at, first.at + size));
        first.at += size;
      }
      this.#waiting.shift();
      first.resolve();
    }
    if (!this.#closing || this.#eofSent) return;
    this.#eofSent = true;
    send(offsetFrame(FRAME.stdinEof, [this.#offset]));
  }

  #sendPiece(send: (frame: Buffer) => void, bytes: Uint8Array): void {
    // The frame holds a copy: the caller may use its chunk again while ours waits to be acknowledged.
    const frame = offsetFrame(FRAME.stdin, [this.#offset], bytes);
    this.#offset += bytes.length;
    this.#sent.push({ end: this.#offset, frame });
    send(frame);
  }
}
