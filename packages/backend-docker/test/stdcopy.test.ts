import { describe, expect, it } from "vitest";
import { StdcopyDemuxer } from "../src/stdcopy.js";
import { errorIn } from "./support/errors.js";
import { frame } from "./support/frame.js";

function demux(chunks: readonly Buffer[]): { stdout: string; stderr: string; whole: boolean } {
  const out = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const demuxer = new StdcopyDemuxer((stream, data) => out[stream].push(data));
  for (const chunk of chunks) demuxer.write(chunk);
  return {
    stdout: Buffer.concat(out.stdout).toString(),
    stderr: Buffer.concat(out.stderr).toString(),
    whole: demuxer.atBoundary,
  };
}

describe("Docker's multiplexed stream", () => {
  const bytes = Buffer.concat([frame(1, "hällo "), frame(2, "oops"), frame(1, ""), frame(1, "wörld"), frame(2, "!")]);

  it("is taken apart wherever its chunks end", () => {
    for (let first = 0; first <= bytes.length; first += 1) {
      for (const second of [first, Math.min(first + 3, bytes.length), Math.min(first + 11, bytes.length)]) {
        const chunks = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
        expect(demux(chunks)).toEqual({ stdout: "hällo wörld", stderr: "oops!", whole: true });
      }
    }
    expect(demux([...bytes].map((byte) => Buffer.from([byte])))).toMatchObject({ stdout: "hällo wörld" });
  });

  it("gives a frame's data before its end, without copying it", () => {
    const seen: Buffer[] = [];
    const demuxer = new StdcopyDemuxer((_, data) => seen.push(data));
    const start = frame(1, "x".repeat(100)).subarray(0, 50);
    demuxer.write(start);
    expect(seen[0]?.length).toBe(42);
    expect(seen[0]?.buffer).toBe(start.buffer);
    expect(demuxer.atBoundary).toBe(false);
  });

  it.each([
    ["an unknown stream", frame(3, "x")],
    ["stdin", frame(0, "x")],
    ["bytes that must be zero", Buffer.from([1, 0, 1, 0, 0, 0, 0, 1, 65])],
    ["a length beyond belief", Buffer.from([1, 0, 0, 0, 255, 255, 255, 255])],
    ["text", Buffer.from("HTTP/1.1 200 OK\r\n")],
  ])("is refused with %s", (_, chunk) => {
    expect(errorIn(() => demux([chunk])).code).toBe("internal");
  });

  it("survives anything else than by that error", () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648);
    for (let turn = 0; turn < 2_000; turn += 1) {
      const chunk = Buffer.from(
        Array.from({ length: random() % 64 }, () => (random() % 4 === 0 ? random() % 256 : random() % 3)),
      );
      try {
        demux([chunk]);
      } catch (error) {
        expect(error).toMatchObject({ code: "internal" });
      }
    }
  });
});
