import { PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { type AgentFrame, FRAME, FrameDecoder, offsetFrame, resizeFrame, textFrame } from "../src/frames.js";
import { exit, raw, started, stderr, stdinAck, stdout } from "./support/frames.js";
import { Random } from "./support/random.js";

/** All that a decoder makes of pieces, with neighbouring pieces of one stream joined. */
function decode(pieces: readonly Buffer[]): { frames: string[]; error?: unknown } {
  const decoder = new FrameDecoder();
  const frames: string[] = [];
  let joined: { type: number; end: number } | undefined;
  const add = (frame: AgentFrame): void => {
    if ("payload" in frame && "offset" in frame) {
      const text = frame.payload.toString("latin1");
      if (joined?.type === frame.type && joined.end === frame.offset && frames.length > 0)
        frames[frames.length - 1] += text;
      else frames.push(`${frame.type}@${frame.offset}:${text}`);
      joined = { type: frame.type, end: frame.offset + frame.payload.length };
    } else {
      joined = undefined;
      frames.push("payload" in frame ? `${frame.type}:${frame.payload}` : `${frame.type}@${frame.offset}`);
    }
  };
  try {
    for (const piece of pieces) {
      decoder.push(piece);
      for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) add(frame);
    }
    return { frames };
  } catch (error) {
    return { frames, error };
  }
}

const GOOD = Buffer.concat([
  started(),
  stdout(0, "hello "),
  stderr(0, ""),
  stderr(0, "bad\n"),
  stdinAck(2 ** 40 + 3),
  stdout(6, "x".repeat(5000)),
  exit(),
]);

describe("frames", () => {
  it("come out whole however the stream is cut into pieces", () => {
    const whole = decode([GOOD]);
    expect(whole.error).toBeUndefined();
    expect(whole.frames).toHaveLength(6);
    expect(decode([...GOOD].map((byte) => Buffer.of(byte)))).toEqual(whole);
    const random = new Random(7);
    for (let round = 0; round < 300; round += 1)
      expect(decode(random.pieces(GOOD, 1 + random.below(900)))).toEqual(whole);
  });

  it("hand on output before its frame is whole, and collect nothing of it", () => {
    const decoder = new FrameDecoder();
    decoder.push(stdout(10, "x".repeat(1000)).subarray(0, 13 + 400));
    expect(decoder.next()).toMatchObject({ type: FRAME.stdout, offset: 10, payload: Buffer.from("x".repeat(400)) });
    expect(decoder.next()).toBeUndefined();
    expect(decoder.pending).toBe(0);
  });

  it.each([
    ["an unknown type", raw(0x84, Buffer.alloc(3))],
    ["a type of the client", raw(FRAME.stdin, Buffer.alloc(8))],
    ["output without an offset", raw(FRAME.stdout, Buffer.alloc(7))],
    ["output of more than 1 MiB", lengthOf(FRAME.stderr, 1024 * 1024 + 9)],
    ["output of 4 GiB", lengthOf(FRAME.stdout, 0xffffffff)],
    ["an acknowledgement that is too long", raw(FRAME.stdinAck, Buffer.alloc(9))],
    ["a STARTED of 1 MiB", lengthOf(FRAME.started, 1024 * 1024)],
    ["an EXIT of 17 KiB", lengthOf(FRAME.exit, 17 * 1024)],
    ["an offset beyond 2^53", raw(FRAME.stdout, Buffer.alloc(8, 0xff))],
  ])("refuse %s at its header", (_, bytes) => {
    const { error } = decode([bytes]);
    expect(PodkitError.is(error, "internal")).toBe(true);
    expect(error).toMatchObject({ details: { reason: "protocol" } });
  });

  it("never do anything but frames or a typed error with random bytes", () => {
    const random = new Random(20_261_125);
    for (let round = 0; round < 3_000; round += 1) {
      const bytes = random.bytes(random.below(200));
      // Some rounds look like frames, or they would all end at the first byte.
      if (bytes.length > 5 && round % 2 === 0) {
        bytes[0] = [0x81, 0x82, 0x83, 0x85, 0x86][random.below(5)] ?? 0;
        bytes.writeUInt32BE(random.below(40), 1);
      }
      const { error } = decode(random.pieces(bytes));
      if (error !== undefined) expect(error).toMatchObject({ code: "internal", details: { reason: "protocol" } });
    }
  });

  it("survive any single broken byte", () => {
    const random = new Random(99);
    for (let round = 0; round < 1_000; round += 1) {
      const bytes = Buffer.from(GOOD);
      bytes[random.below(bytes.length)] = random.below(256);
      const { error } = decode(random.pieces(bytes, 500));
      if (error !== undefined) expect(error).toMatchObject({ code: "internal" });
    }
  });

  it("are written as the protocol says", () => {
    expect(textFrame(FRAME.spec, "ä").toString("hex")).toBe("0100000002c3a4");
    expect(offsetFrame(FRAME.ack, [2 ** 32 + 1, 5]).toString("hex")).toBe("040000001000000001000000010000000000000005");
    expect(offsetFrame(FRAME.stdin, [258], Buffer.of(0xff)).toString("hex")).toBe(
      "0200000009" + "0000000000000102" + "ff",
    );
    expect(resizeFrame(80, 300).toString("hex")).toBe("0600000004" + "0050" + "012c");
  });
});

function lengthOf(type: number, length: number): Buffer {
  const header = Buffer.alloc(13);
  header[0] = type;
  header.writeUInt32BE(length, 1);
  return header;
}
