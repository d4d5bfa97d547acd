/** What a client said of the ends of its streams: how often that a body is whole, and how often that a stream is reset. */
export interface StreamEnds {
  readonly whole: number;
  readonly reset: number;
}

const PREFACE = 24;
const HEADER = 9;
const DATA = 0;
const RST_STREAM = 3;
const END_STREAM = 1;

/** Reads the frames of HTTP/2 that a client wrote. */
export function streamEnds(written: Buffer): StreamEnds {
  let whole = 0;
  let reset = 0;
  for (let at = PREFACE; at + HEADER <= written.length; at += HEADER + written.readUIntBE(at, 3)) {
    const type = written.readUInt8(at + 3);
    if (type === DATA && (written.readUInt8(at + 4) & END_STREAM) !== 0) whole += 1;
    if (type === RST_STREAM) reset += 1;
  }
  return { whole, reset };
}
