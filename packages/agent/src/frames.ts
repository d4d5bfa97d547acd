import { protocolError } from "./violation.js";

/** Types of frames (PROTOCOL.md, "Commands"). */
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

/** Bytes before the payload: type and length. */
const HEADER = 5;
/** Most bytes of data in one frame. */
export const MAX_PAYLOAD = 1024 * 1024;
/** STARTED and EXIT are a few hundred bytes; more is not read. */
const MAX_CONTROL = 16 * 1024;
const OFFSET = 8;
const EMPTY: Buffer = Buffer.alloc(0);

/** What came from the agent. A data frame may come in several pieces, each with its own offset. */
export type AgentFrame =
  | { readonly type: typeof FRAME.started | typeof FRAME.exit; readonly payload: Buffer }
  | { readonly type: typeof FRAME.stdout | typeof FRAME.stderr; readonly offset: number; readonly payload: Buffer }
  | { readonly type: typeof FRAME.stdinAck; readonly offset: number };

/** A frame whose payload is text, such as JSON. */
export function textFrame(type: number, text: string): Buffer {
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(HEADER + length);
  writeHeader(frame, type, length);
  frame.write(text, HEADER);
  return frame;
}

/** A frame with offsets and, after them, bytes. */
export function offsetFrame(type: number, offsets: readonly number[], bytes?: Uint8Array): Buffer {
  const length = offsets.length * OFFSET + (bytes?.length ?? 0);
  const frame = Buffer.allocUnsafe(HEADER + length);
  writeHeader(frame, type, length);
  let at = HEADER;
  for (const offset of offsets) {
    frame.writeUInt32BE(Math.floor(offset / 2 ** 32), at);
    frame.writeUInt32BE(offset % 2 ** 32, at + 4);
    at += OFFSET;
  }
  if (bytes !== undefined) frame.set(bytes, at);
  return frame;
}

/** A terminal's new size. */
export function resizeFrame(columns: number, rows: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER + 4);
  writeHeader(frame, FRAME.resize, 4);
  frame.writeUInt16BE(columns, HEADER);
  frame.writeUInt16BE(rows, HEADER + 2);
  return frame;
}

/** A frame without payload. */
export function emptyFrame(type: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER);
  writeHeader(frame, type, 0);
  return frame;
}

function writeHeader(frame: Buffer, type: number, length: number): void {
  frame[0] = type;
  frame.writeUInt32BE(length, 1);
}

/**
 * Cuts a byte stream into the agent's frames. Output is handed on in pieces as it arrives, without a copy, so that a frame of
 * any announced length costs no memory; only headers and the small control frames are ever collected.
 */
export class FrameDecoder {
  #buffer = EMPTY;
  #at = 0;
  /** The data frame that is being handed on: bytes left of it, and the next one's offset. */
  #left = 0;
  #type: typeof FRAME.stdout | typeof FRAME.stderr = FRAME.stdout;
  #offset = 0;

  /** Bytes that were pushed and not handed on yet. */
  get pending(): number {
    return this.#buffer.length - this.#at;
  }

  /** What was pushed and not handed on, as it is: the body of an answer that holds no frames. */
  rest(): Buffer {
    return this.#buffer.subarray(this.#at);
  }

  push(chunk: Buffer): void {
    this.#buffer = this.pending === 0 ? chunk : Buffer.concat([this.#buffer.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /**
   * The next frame or piece of one; undefined where more bytes are needed.
   * @throws `internal` (reason `protocol`) where the bytes are no frames of an agent.
   */
  next(): AgentFrame | undefined {
    if (this.#left > 0) return this.#piece();
    if (this.pending < HEADER) return undefined;
    const type = this.#buffer.readUInt8(this.#at);
    const length = this.#buffer.readUInt32BE(this.#at + 1);
    switch (type) {
      case FRAME.stdout:
      case FRAME.stderr:
        return this.#data(type, length);
      case FRAME.stdinAck:
        return this.#stdinAck(length);
      case FRAME.started:
      case FRAME.exit:
        return this.#control(type, length);
      default:
        throw protocolError(`a frame of the unknown type 0x${type.toString(16).padStart(2, "0")}`);
    }
  }

  #data(type: typeof FRAME.stdout | typeof FRAME.stderr, length: number): AgentFrame | undefined {
    if (length < OFFSET || length > MAX_PAYLOAD + OFFSET) throw protocolError(`an output frame of ${length} bytes`);
    if (this.pending < HEADER + OFFSET) return undefined;
    this.#offset = this.#readOffset(this.#at + HEADER);
    this.#at += HEADER + OFFSET;
    this.#left = length - OFFSET;
    this.#type = type;
    return this.#left === 0 ? { type, offset: this.#offset, payload: EMPTY } : this.#piece();
  }

  #piece(): AgentFrame | undefined {
    const size = Math.min(this.#left, this.pending);
    if (size === 0) return undefined;
    const payload = this.#buffer.subarray(this.#at, this.#at + size);
    const offset = this.#offset;
    this.#at += size;
    this.#left -= size;
    this.#offset += size;
    return { type: this.#type, offset, payload };
  }

  #stdinAck(length: number): AgentFrame | undefined {
    if (length !== OFFSET) throw protocolError(`a STDIN_ACK frame of ${length} bytes`);
    if (this.pending < HEADER + OFFSET) return undefined;
    const offset = this.#readOffset(this.#at + HEADER);
    this.#at += HEADER + OFFSET;
    return { type: FRAME.stdinAck, offset };
  }

  #control(type: typeof FRAME.started | typeof FRAME.exit, length: number): AgentFrame | undefined {
    if (length > MAX_CONTROL) throw protocolError(`a control frame of ${length} bytes`);
    if (this.pending < HEADER + length) return undefined;
    const payload = this.#buffer.subarray(this.#at + HEADER, this.#at + HEADER + length);
    this.#at += HEADER + length;
    return { type, payload };
  }

  #readOffset(at: number): number {
    const offset = this.#buffer.readUInt32BE(at) * 2 ** 32 + this.#buffer.readUInt32BE(at + 4);
    if (offset > Number.MAX_SAFE_INTEGER - MAX_PAYLOAD) throw protocolError("an offset beyond every real one");
    return offset;
  }
}
