import { describe, expect, it } from "vitest";
import { Blocks } from "../src/blocks.js";
import { headCap, OutputCollector } from "../src/output-collector.js";
import { decodeUtf8, orphanedHead, unfinishedTail } from "../src/utf8.js";

describe("OutputCollector", () => {
  it("keeps everything up to the cap, byte for byte", () => {
    const collector = new OutputCollector(10);
    for (const part of ["abc", "defg", "hij"]) collector.add(Buffer.from(part));
    expect(collector.finish(0)).toMatchObject({ dropped: 0, tail: new Uint8Array() });
    expect(decodeUtf8(collector.finish(0).head)).toBe("abcdefghij");
  });

  it("agrees with a plain head and tail for any chunks", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const cap = (seed * 7) % 40;
      const all: number[] = [];
      const collector = new OutputCollector(cap);
      let state = seed;
      for (let chunk = 0; chunk < seed % 60; chunk += 1) {
        state = (state * 1103515245 + 12345) % 2147483648;
        const bytes = Uint8Array.from({ length: state % 17 }, (_, at) => (all.length + at) % 251);
        all.push(...bytes);
        collector.add(bytes);
      }
      const { head, tail, dropped } = collector.finish(0);
      expect(dropped).toBe(Math.max(0, all.length - cap));
      const whole =
        dropped === 0 ? all : [...all.slice(0, headCap(cap)), ...all.slice(all.length - (cap - headCap(cap)))];
      expect([...head, ...tail]).toEqual(whole);
    }
  });

  it("keeps the host's memory bounded however much comes", () => {
    const collector = new OutputCollector(1000);
    const chunk = new Uint8Array(64);
    for (let count = 0; count < 200_000; count += 1) collector.add(chunk);
    expect(collector.finish(0)).toMatchObject({ dropped: 200_000 * 64 - 1000 });
  });

  it("keeps no large buffer for the sake of a small piece of it", () => {
    const collector = new OutputCollector(1000);
    for (let count = 0; count < 3000; count += 1) collector.add(new Uint8Array(65_536).fill(97).subarray(7, 8));
    const { head, tail } = collector.finish(0);
    expect([head.byteLength, tail.byteLength]).toEqual([500, 500]);
    expect(Math.max(head.buffer.byteLength, tail.buffer.byteLength)).toBeLessThanOrEqual(65_536);
    const one = new Blocks();
    one.push(new Uint8Array(65_536).subarray(0, 1));
    expect(one.join().buffer.byteLength).toBeLessThan(65_536);
  });

  it("takes a whole large piece as it is", () => {
    const blocks = new Blocks();
    const piece = new Uint8Array(100_000).fill(1);
    blocks.push(piece);
    expect(blocks.join().buffer).toBe(piece.buffer);
    blocks.push(Uint8Array.of(2, 3));
    blocks.drop(99_999);
    expect([...blocks.join()]).toEqual([1, 2, 3]);
    blocks.drop(5);
    blocks.push(Uint8Array.of(4));
    expect([blocks.length, ...blocks.join()]).toEqual([1, 4]);
  });

  it("adds what the agent dropped at the same place", () => {
    const collector = new OutputCollector(4);
    collector.add(Buffer.from("ab"));
    collector.add(Buffer.from("yz"));
    const { head, tail, dropped } = collector.finish(22);
    expect([decodeUtf8(head), decodeUtf8(tail), dropped]).toEqual(["ab", "yz", 22]);
  });
});

describe("utf8", () => {
  const cases = ["é", "€", "😀"].flatMap((character) => {
    const bytes = Buffer.from(character);
    return Array.from({ length: bytes.length - 1 }, (_, at) => ({ character, bytes, cut: at + 1 }));
  });

  it.each(cases)("cuts $character after $cut bytes", ({ bytes, cut }) => {
    expect(unfinishedTail(Buffer.concat([Buffer.from("a"), bytes.subarray(0, cut)]))).toBe(cut);
    expect(orphanedHead(Buffer.concat([bytes.subarray(cut), Buffer.from("a")]))).toBe(bytes.length - cut);
  });

  it("leaves whole characters, and what is no UTF-8, alone", () => {
    for (const text of ["", "a", "é", "😀", "a😀"]) expect(unfinishedTail(Buffer.from(text))).toBe(0);
    expect(unfinishedTail(Uint8Array.of(0x80, 0x80, 0x80, 0x80))).toBe(0);
    expect(orphanedHead(Buffer.from("aé"))).toBe(0);
  });

  it("keeps a byte order mark", () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
  });
});
