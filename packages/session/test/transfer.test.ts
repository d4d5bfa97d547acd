import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FileInfo, type FileSystem, PodkitError } from "@podkit/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Files } from "../src/index.js";
import { readTar } from "../src/tar-reader.js";
import { noFiles } from "./fakes.js";
import { type Entry, forged, pieces, tarOf } from "./hostile-tar.js";

let base = "";
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "pt-transfer-"));
});
afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

const info = (type: FileInfo["type"]): FileInfo => ({
  path: "/x",
  name: "x",
  type,
  size: 0,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeMs: 0,
});

function containerWith(parts: Partial<FileSystem>): Files {
  return new Files(() => ({ ...noFiles, stat: async () => info("directory"), ...parts }));
}

function sending(archive: Uint8Array): Files {
  return containerWith({ readTar: () => pieces(archive) });
}

/** Nothing but what was there before. */
async function expectNothingLeft(): Promise<void> {
  expect((await readdir(base)).filter((name) => name !== "outside")).toEqual([]);
}

describe("download", () => {
  it("brings a folder with its modes, links and content", async () => {
    const archive = await tarOf(
      { name: "./", type: "directory", mode: 0o755 },
      { name: "./sub/", type: "directory", mode: 0o500 },
      { name: "./sub/run.sh", content: "echo", mode: 0o4755, mtime: new Date(1_600_000_000_000) },
      { name: "deep/er/file", content: "implied folders" },
      { name: "./sub/up", type: "symlink", linkname: "../deep/er/file" },
      { name: "here", type: "symlink", linkname: "sub" },
    );
    await sending(archive).download("/x", join(base, "new/out"));
    const out = join(base, "new/out");
    expect((await stat(join(out, "sub/run.sh"))).mode & 0o7777).toBe(0o755);
    expect((await stat(join(out, "sub/run.sh"))).mtimeMs).toBe(1_600_000_000_000);
    expect((await stat(join(out, "sub"))).mode & 0o777).toBe(0o700);
    expect(await readFile(join(out, "sub/up"), "utf8")).toBe("implied folders");
    expect(await readlink(join(out, "here"))).toBe("sub");
    expect(await readdir(join(base, "new"))).toEqual(["out"]);
  });

  it("brings one file, and replaces one that is there, but never through a link", async () => {
    const files = containerWith({ stat: async () => info("file"), read: () => pieces(Buffer.from("bytes")) });
    await writeFile(join(base, "victim"), "mine");
    await symlink(join(base, "victim"), join(base, "target"));
    await files.download("/x", join(base, "target"));
    expect((await lstat(join(base, "target"))).isFile()).toBe(true);
    expect(await readFile(join(base, "target"), "utf8")).toBe("bytes");
    expect(await readFile(join(base, "victim"), "utf8")).toBe("mine");
  });

  const hostile: [string, Entry[]][] = [
    ["a name with ..", [{ name: "../evil", content: "x" }]],
    ["a name with .. inside", [{ name: "a/../../evil", content: "x" }]],
    ["an absolute name", [{ name: "/tmp/evil", content: "x" }]],
    ["an absolute link", [{ name: "l", type: "symlink", linkname: "/etc/passwd" }]],
    ["a link that leads out", [{ name: "a/l", type: "symlink", linkname: "../../x" }]],
    ["a link with .. after a name", [{ name: "l", type: "symlink", linkname: "p/q/../../../x" }]],
    [
      "two links that lead out together",
      [
        { name: "p/q/r/up", type: "symlink", linkname: "../../.." },
        { name: "out", type: "symlink", linkname: "p/q/r/up/.." },
      ],
    ],
    ["an empty link", [{ name: "l", type: "symlink", linkname: "" }]],
    [
      "a file below a planted link",
      [
        { name: "l", type: "symlink", linkname: "." },
        { name: "l/evil", content: "x" },
      ],
    ],
    [
      "a folder in place of a planted link",
      [
        { name: "l", type: "symlink", linkname: "x" },
        { name: "l/", type: "directory" },
      ],
    ],
    ["a hard link", [{ name: "l", type: "link", linkname: "/etc/passwd" }]],
    ["a device", [{ name: "d", type: "character-device", devmajor: 1, devminor: 5 }]],
    ["a pipe", [{ name: "p", type: "fifo" }]],
    ["a name of 300 bytes", [{ name: "n".repeat(300), content: "x" }]],
    ["a path of 5000 bytes", [{ name: "d/".repeat(2500), content: "x" }]],
    ["a path of 300 folders", [{ name: `${"d/".repeat(300)}f`, content: "x" }]],
  ];

  it.each(hostile)("refuses %s, and keeps nothing", async (_, entries) => {
    const archive = await tarOf({ name: "first", content: "fine" }, ...entries);
    await expect(sending(archive).download("/x", join(base, "out"))).rejects.toMatchObject({
      code: "permission_denied",
      details: { reason: "unsafe_entry" },
    });
    await expectNothingLeft();
  });

  it("refuses a NUL in a name", async () => {
    const record = "12 path=a\0b\n";
    const pax = forged(await tarOf({ name: "h", content: record }), [[156, "x"]]).subarray(0, 1024);
    const archive = Buffer.concat([pax, await tarOf({ name: "f", content: "x" })]);
    await expect(sending(archive).download("/x", join(base, "out"))).rejects.toMatchObject({
      code: "permission_denied",
    });
    await expectNothingLeft();
  });

  it("refuses one name twice, so that no later entry writes through an earlier one", async () => {
    for (const second of [
      { name: "a", content: "2" },
      { name: "a", type: "symlink" as const, linkname: "b" },
    ]) {
      const archive = await tarOf({ name: "a", content: "1" }, second);
      await expect(sending(archive).download("/x", join(base, "out"))).rejects.toMatchObject({
        details: { reason: "bad_archive" },
      });
    }
    await expectNothingLeft();
  });

  it("keeps to its limits: bytes, entries, and a file without end", async () => {
    const archive = await tarOf({ name: "a", content: "12345" }, { name: "b", content: "12345" });
    for (const limits of [{ maxBytes: 9 }, { maxEntries: 1 }]) {
      await expect(sending(archive).download("/x", join(base, "out"), limits)).rejects.toMatchObject({
        code: "resource_exhausted",
      });
    }
    async function* endless() {
      for (;;) yield new Uint8Array(1000);
    }
    const files = containerWith({ stat: async () => info("file"), read: endless });
    await expect(files.download("/x", join(base, "out"), { maxBytes: 5000 })).rejects.toMatchObject({
      code: "resource_exhausted",
    });
    await expectNothingLeft();
  });

  it("leaves what is there alone, before anything is sent", async () => {
    await mkdir(join(base, "outside"));
    await writeFile(join(base, "outside/mine"), "mine");
    const refused = { code: "already_exists" };
    await expect(containerWith({}).download("/x", join(base, "outside"))).rejects.toMatchObject(refused);
    await expect(containerWith({}).download("/x", join(base, "outside/mine"))).rejects.toMatchObject(refused);
    const file = containerWith({ stat: async () => info("file") });
    await expect(file.download("/x", join(base, "outside"))).rejects.toMatchObject(refused);
    expect(await readFile(join(base, "outside/mine"), "utf8")).toBe("mine");
    await mkdir(join(base, "empty"));
    await sending(await tarOf({ name: "a", content: "1" })).download("/x", join(base, "empty"));
    expect(await readdir(join(base, "empty"))).toEqual(["a"]);
  });

  it("clears away what a broken transfer left, and tells the container's error", async () => {
    const lost = new PodkitError("unavailable", "gone");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield (await tarOf({ name: "a", content: "x".repeat(3000) })).subarray(0, 1000);
      throw lost;
    }
    await expect(containerWith({ readTar: broken }).download("/x", join(base, "out"))).rejects.toBe(lost);
    await expectNothingLeft();
    await expect(
      containerWith({ stat: async () => info("other") }).download("/x", join(base, "out")),
    ).rejects.toMatchObject({ code: "invalid_state" });
  });
});

describe("upload", () => {
  async function received(local: string, parts: Partial<FileSystem> = {}) {
    const entries: Record<string, string> = {};
    const files = containerWith({
      writeTar: async (_path, tar) => {
        for await (const entry of readTar(tar)) {
          let text = `${entry.type} ${entry.mode.toString(8)} ${entry.linkName}`;
          for await (const chunk of entry.content()) text += Buffer.from(chunk).toString();
          entries[entry.name] = text;
        }
      },
      ...parts,
    });
    await files.upload(local, "/in");
    return entries;
  }

  it("sends a folder's content with modes, and links as links", async () => {
    const source = join(base, "src");
    await mkdir(join(source, "sub dir"), { recursive: true });
    await writeFile(join(source, "sub dir/ü\nfile"), "content");
    await chmod(join(source, "sub dir/ü\nfile"), 0o750);
    await writeFile(join(source, "empty"), "");
    await symlink("/etc/passwd", join(source, "link"));
    await chmod(join(source, "sub dir"), 0o755);
    await chmod(join(source, "empty"), 0o644);
    expect(await received(source)).toEqual({
      empty: "0 644 ",
      link: "2 777 /etc/passwd",
      "sub dir/": "5 755 ",
      "sub dir/ü\nfile": "0 750 content",
    });
  });

  it("sends a file as the file, with its mode", async () => {
    await writeFile(join(base, "f"), "x".repeat(600_000));
    await chmod(join(base, "f"), 0o711);
    let bytes = 0;
    const files = containerWith({
      write: async (path, content, options) => {
        expect([path, options?.mode]).toEqual(["/in", 0o711]);
        if (typeof content === "string" || content instanceof Uint8Array) throw new Error("not as a stream");
        for await (const chunk of content) bytes += chunk.byteLength;
        return info("file");
      },
    });
    await files.upload(join(base, "f"), "/in");
    expect(bytes).toBe(600_000);
  });

  it("refuses sockets and missing files, typed", async () => {
    const source = join(base, "src");
    await mkdir(source);
    const server = createServer().listen(join(source, "sock"));
    await new Promise((resolve) => server.once("listening", resolve));
    await expect(received(source)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(received(join(source, "sock"))).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(received(join(base, "missing"))).rejects.toMatchObject({ code: "not_found" });
    await new Promise((resolve) => server.close(resolve));
  });

  it("a file that is cut short meanwhile is an error, and not padded or endless", async () => {
    const file = join(base, "f");
    await writeFile(file, Buffer.alloc(1_000_000));
    const files = containerWith({
      write: async (_path, content) => {
        if (typeof content === "string" || content instanceof Uint8Array) throw new Error("not as a stream");
        for await (const _ of content) await truncate(file, 10);
        return info("file");
      },
    });
    await expect(files.upload(file, "/in")).rejects.toMatchObject({ code: "conflict", retryable: true });
  });

  it("tells the container's error, and stops reading", async () => {
    await mkdir(join(base, "src"));
    await writeFile(join(base, "src/f"), "x");
    const denied = new PodkitError("permission_denied", "no");
    await expect(received(join(base, "src"), { writeTar: () => Promise.reject(denied) })).rejects.toBe(denied);
  });
});
