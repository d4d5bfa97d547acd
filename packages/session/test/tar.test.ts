import { extract as oracle } from "tar-stream";
import { describe, expect, it } from "vitest";
import { readTar } from "../src/tar-reader.js";
import { TAR_END, tarHeader, tarPadding } from "../src/tar-writer.js";
import { decodeUtf8 } from "../src/utf8.js";
import { type Entry, forged, pieces, tarOf } from "./hostile-tar.js";

async function read(bytes: Uint8Array, size?: number) {
  const found: { name: string; type: string; text: string; linkName: string; mode: number; mtimeMs: number }[] = [];
  for await (const { content, name, type, linkName, mode, mtimeMs } of readTar(pieces(bytes, size))) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content()) chunks.push(chunk);
    found.push({ name, type, text: decodeUtf8(Buffer.concat(chunks)), linkName, mode, mtimeMs });
  }
  return found;
}

const bad = expect.objectContaining({ code: "invalid_state", details: { reason: "bad_archive" } });
const long = `${"folder/".repeat(40)}näme`;

describe("readTar", () => {
  const entries: Entry[] = [
    { name: "a/", type: "directory", mode: 0o755 },
    { name: "a/file", content: "x".repeat(1500), mode: 0o640, mtime: new Date(1_700_000_000_000) },
    { name: "empty" },
    { name: long, content: "long" },
    { name: "link", type: "symlink", linkname: "x/".repeat(80) },
  ];

  it.each([1, 3, 511, 512, 513, 100_000])("reads what another writer made, in pieces of %d bytes", async (size) => {
    const found = await read(await tarOf(...entries), size);
    expect(found.map(({ name }) => name)).toEqual(["a/", "a/file", "empty", long, "link"]);
    expect(found[1]).toMatchObject({ type: "0", text: "x".repeat(1500), mode: 0o640, mtimeMs: 1_700_000_000_000 });
    expect(found[3]?.text).toBe("long");
    expect(found[4]).toMatchObject({ type: "2", linkName: "x/".repeat(80) });
  });

  it("skips content that nobody asked for", async () => {
    const names: string[] = [];
    for await (const { name } of readTar(pieces(await tarOf(...entries)))) names.push(name);
    expect(names).toHaveLength(5);
  });

  it("refuses an archive that is cut anywhere", async () => {
    const whole = await tarOf({ name: "a", content: "x".repeat(700) });
    for (const length of [0, 1, 511, 512, 600, 1211, 1300, 1535]) {
      await expect(read(whole.subarray(0, length))).rejects.toEqual(bad);
    }
  });

  it("refuses wrong checksums, numbers and lengths", async () => {
    const whole = await tarOf({ name: "a", content: "x" });
    const flipped = Buffer.from(whole);
    flipped[0] = 98;
    await expect(read(flipped)).rejects.toEqual(bad);
    await expect(read(forged(whole, [[124, "99999999999\0"]]))).rejects.toEqual(bad);
    await expect(read(forged(whole, [[124, "\xff".repeat(12)]]))).rejects.toEqual(bad);
    await expect(read(forged(whole, [[124, "-0000000001\0"]]))).rejects.toEqual(bad);
  });

  it("refuses an extended header that would fill the memory, before it is read", async () => {
    const whole = await tarOf({ name: "a", content: "x" });
    for (const type of ["x", "g", "L", "K"]) {
      const header = forged(whole.subarray(0, 512), [
        [124, "77777777777\0"],
        [156, type],
      ]);
      await expect(read(header)).rejects.toEqual(bad);
    }
    const record = `100000 comment=${"x".repeat(100_000 - 16)}\n`;
    expect(record).toHaveLength(100_000);
    const archive = Buffer.concat([
      forged(await tarOf({ name: "h", content: record }), [[156, "x"]]).subarray(0, -1024),
      whole,
    ]);
    await expect(read(archive)).rejects.toEqual(bad);
    const fits = `60000 comment=${"x".repeat(60_000 - 15)}\n`;
    const fitting = forged(await tarOf({ name: "h", content: fits }), [[156, "x"]]).subarray(0, -1024);
    expect(await read(Buffer.concat([fitting, whole]))).toMatchObject([{ name: "a", text: "x" }]);
  });

  it.each(["5 path=x", "999 path=a\n", "0 path=a\n", "path=a\n", "7 =ab\n\n", "12 size=-1\n\n\n", "-1 path=a\n"])(
    "refuses the PAX record %j",
    async (record) => {
      const whole = await tarOf({ name: "PaxHeader", content: record });
      await expect(read(forged(whole, [[156, "x"]]))).rejects.toEqual(bad);
    },
  );

  it("refuses extended headers without end and without an entry", async () => {
    const content = "7 a=bc\n";
    const header = forged((await tarOf({ name: "h", content })).subarray(0, 512), [[156, "g"]]);
    const block = Buffer.concat([header, Buffer.from(content), Buffer.alloc(512 - content.length)]);
    let sent = 0;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (; sent < 10_000; sent += 1) yield block;
    };
    await expect(readTar(endless()).next()).rejects.toEqual(bad);
    expect(sent).toBeLessThan(16);
  });

  it("never ends the program, whatever comes", async () => {
    const whole = await tarOf(...entries);
    let state = 1;
    const random = (below: number) => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state % below;
    };
    for (let round = 0; round < 300; round += 1) {
      const changed = Buffer.from(whole);
      for (let change = 0; change < 1 + random(8); change += 1) changed[random(changed.length)] = random(256);
      await read(changed, 1 + random(2000)).catch((error: unknown) => expect(error).toEqual(bad));
    }
  });
});

describe("tarHeader", () => {
  it("is read by another reader, long names, links and sizes too", async () => {
    const entry = { mode: 0o644, mtimeMs: 1_700_000_000_500, size: 0 };
    const names = ["a", "n".repeat(99), "n".repeat(100), "n".repeat(101), "é".repeat(60), long, `${"d/".repeat(600)}x`];
    const parts: Uint8Array[] = [];
    for (const name of names) {
      parts.push(tarHeader({ ...entry, name, type: "file", size: 3 }), Buffer.from("abc"), tarPadding(3));
    }
    parts.push(tarHeader({ ...entry, name: "dir", type: "directory" }));
    parts.push(tarHeader({ ...entry, name: "l", type: "symlink", linkName: "t".repeat(300) }), TAR_END);
    const extract = oracle();
    extract.end(Buffer.concat(parts));
    const found: unknown[] = [];
    for await (const { header, resume } of extract as AsyncIterable<{ header: { name: string }; resume(): void }>) {
      void resume;
      found.push(header);
    }
    expect(found).toMatchObject([
      ...names.map((name) => ({ name, type: "file", size: 3, mode: 0o644 })),
      { name: "dir/", type: "directory" },
      { type: "symlink", linkname: "t".repeat(300) },
    ]);
  });

  it("is read back by readTar with a size of more than 8 GiB", async () => {
    const size = 9 * 1024 ** 3;
    const header = tarHeader({ name: "big", type: "file", mode: 0o600, size, mtimeMs: 0 });
    const iterator = readTar(pieces(header));
    expect((await iterator.next()).value).toMatchObject({ name: "big", size });
  });
});
