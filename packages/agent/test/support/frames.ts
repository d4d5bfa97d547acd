import type { Readable } from "node:stream";
import { emptyFrame, FRAME, offsetFrame, textFrame } from "../../src/frames.js";

/** A frame that the client sent. */
export interface ClientFrame {
  readonly type: number;
  readonly payload: Buffer;
}

/** Reads the client's frames one by one. */
export class ClientFrames {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** The next frame; undefined at the end. */
  async next(): Promise<ClientFrame | undefined> {
    for (;;) {
      if (this.#buffer.length >= 5) {
        const end = 5 + this.#buffer.readUInt32BE(1);
        if (this.#buffer.length >= end) {
          const frame = { type: this.#buffer.readUInt8(0), payload: this.#buffer.subarray(5, end) };
          this.#buffer = this.#buffer.subarray(end);
          return frame;
        }
      }
      const turn = await this.#chunks.next().catch(() => ({ done: true, value: undefined }));
      if (turn.done === true || turn.value === undefined) return undefined;
      this.#buffer = Buffer.concat([this.#buffer, turn.value]);
    }
  }
}

const EXIT = {
  exitCode: 0,
  signal: null,
  timedOut: false,
  cancelled: false,
  oomKilled: false,
  durationMs: 1,
  stdoutBytes: 0,
  stderrBytes: 0,
  treeAlive: false,
};

export const started = (fields: object = {}): Buffer =>
  textFrame(FRAME.started, JSON.stringify({ pid: 7, startedAt: 1, stdin: 0, ...fields }));
export const stdout = (offset: number, text: string | Uint8Array): Buffer =>
  offsetFrame(FRAME.stdout, [offset], Buffer.from(text));
export const stderr = (offset: number, text: string | Uint8Array): Buffer =>
  offsetFrame(FRAME.stderr, [offset], Buffer.from(text));
export const stdinAck = (offset: number): Buffer => offsetFrame(FRAME.stdinAck, [offset]);
export const exit = (fields: object = {}): Buffer => textFrame(FRAME.exit, JSON.stringify({ ...EXIT, ...fields }));
export const raw = (type: number, payload: Uint8Array): Buffer => {
  const frame = emptyFrame(type);
  frame.writeUInt32BE(payload.length, 1);
  return Buffer.concat([frame, payload]);
};
