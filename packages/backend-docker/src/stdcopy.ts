import { PodkitError } from "@podkit/core";

/** Which stream a frame belongs to; 0, stdin, is never sent by an engine that means well. */
export type FrameStream = "stdout" | "stderr";

const HEADER = 8;
/** Longest frame that is believed; Docker's own are at most 64 KiB, of a log line's 16 KiB. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/**
 * Takes Docker's multiplexed stream apart: frames of an 8-byte header (stream, three zeros, length) and their data. Data is
 * passed on as it comes, in views of the chunks, without waiting for the frame's end.
 */
export class StdcopyDemuxer {
  readonly #onData: (stream: FrameStream, data: Buffer) => void;
  readonly #header = Buffer.alloc(HEADER);
  #headerLength = 0;
  #stream: FrameStream = "stdout";
  #left = 0;

  constructor(onData: (stream: FrameStream, data: Buffer) => void) {
    this.#onData = onData;
  }

  /** True between frames, where a stream may end whole. */
  get atBoundary(): boolean {
    return this.#left === 0 && this.#headerLength === 0;
  }

  /** @throws `internal` for what is no such stream. */
  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const end = Math.min(chunk.length, at + this.#left);
        this.#left -= end - at;
        this.#onData(this.#stream, at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
        at = end;
      } else {
        at += this.#readHeader(chunk, at);
      }
    }
  }

  #readHeader(chunk: Buffer, at: number): number {
    if (this.#headerLength === 0 && chunk.length - at >= HEADER) {
      this.#begin(chunk, at);
      return HEADER;
    }
    const taken = chunk.copy(this.#header, this.#headerLength, at, at + HEADER - this.#headerLength);
    this.#headerLength += taken;
    if (this.#headerLength === HEADER) {
      this.#headerLength = 0;
      this.#begin(this.#header, 0);
    }
    return taken;
  }

  #begin(from: Buffer, at: number): void {
    const kind = from.readUInt8(at);
    const length = from.readUInt32BE(at + 4);
    if ((kind !== 1 && kind !== 2) || from.readUIntBE(at + 1, 3) !== 0 || length > MAX_FRAME_BYTES) {
      throw new PodkitError(
        "internal",
        "The engine sent a frame that is none: its stream of stdout and stderr is out of step.",
      );
    }
    this.#stream = kind === 1 ? "stdout" : "stderr";
    this.#left = length;
  }
}
