import { PodkitError } from "@podkit/core";

/** Types of frames, as in PROTOCOL.md. */
export const FRAME = {
  spec: 0x01,
  stdin: 0x02,
  stdinEof: 0x03,
  ack: 0x04,
  signal: 0x05,
  resize: 0x06,
  cancel: 0x07,
  release: 0x08,
  started: 0x81,
  stdout: 0x82,
  stderr: 0x83,
  stdinAck: 0x85,
  exit: 0x86,
} as const;

const HEADER_BYTES = 5;
const MAX_LENGTH = 1024 * 1024 + 8;

/** One frame. */
export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

/** A frame as it goes over the wire. */
export function encodeFrame(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const payload = Buffer.concat(parts);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(payload.length, 1);
  return Buffer.concat([header, payload]);
}

/** Eight bytes of an offset. */
export function encodeOffset(offset: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(offset));
  return bytes;
}

/** The offset at a place of a payload. */
export function readOffset(payload: Buffer, at = 0): number {
  if (payload.length < at + 8) throw new PodkitError("invalid_argument", "a frame is too short for its offset.");
  return Number(payload.readBigUInt64BE(at));
}

/** Cuts a body into frames. @throws `invalid_argument` where one is too long or the last one is cut. */
export async function* readFrames(body: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let rest = Buffer.alloc(0);
  for await (const chunk of body) {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      if (rest.length < HEADER_BYTES) break;
      const length = rest.readUInt32BE(1);
      if (length > MAX_LENGTH) throw new PodkitError("invalid_argument", `a frame of ${length} bytes is too long.`);
      if (rest.length < HEADER_BYTES + length) break;
      yield { type: rest.readUInt8(0), payload: rest.subarray(HEADER_BYTES, HEADER_BYTES + length) };
      rest = rest.subarray(HEADER_BYTES + length);
    }
  }
}
