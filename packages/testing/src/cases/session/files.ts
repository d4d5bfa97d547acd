import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { lstat, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PodkitError } from "@podkit/core";
import { collectBytes, refused, until, within } from "../../conformance/tools.js";
import type { SessionCase } from "../../conformance/types.js";
import { open, sh } from "./tools.js";

const NAMES = [
  "a b",
  "qu'o\"te",
  "new\nline",
  "ünï-漢字-😀",
  "$(touch pwned)",
  "-rf",
  "semi;colon&",
  "back\\slash",
  "*?[x]",
  ".hidden",
];

/** Files in and out. */
export const fileCases: readonly SessionCase[] = [
  {
    id: "files.round-trip",
    rows: [6],
    title:
      "row 6: writeFile then cat gives the same bytes; text, bytes and empty; parents are made; relative is under /workspace",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      await session.writeFile("deep/er/text.txt", "grüße\n");
      assert.equal((await session.executeCommand(["cat", "/workspace/deep/er/text.txt"])).stdout, "grüße\n");
      const bytes = Uint8Array.from({ length: 512 }, (_, n) => n % 256);
      const info = await session.writeFile("/elsewhere/bytes", bytes);
      assert.deepEqual([info.path, info.size, info.type], ["/elsewhere/bytes", 512, "file"]);
      const back = await session.executeCommand(["cat", "/elsewhere/bytes"], { encoding: "buffer" });
      assert.deepEqual(Buffer.from(back.stdout), Buffer.from(bytes));
      assert.deepEqual(
        Buffer.from(await session.files.read("/elsewhere/bytes", { encoding: "buffer" })),
        Buffer.from(bytes),
      );
      await session.writeFile("empty", "");
      assert.equal(await session.files.read("empty"), "");
      await session.writeFile("deep/er/text.txt", "shorter");
      assert.equal(await session.files.read("deep/er/text.txt"), "shorter");
    },
  },
  {
    id: "files.names",
    rows: [6, 31],
    title: "rows 6, 31: names with spaces, quotes, newlines, unicode and shell characters are names and nothing else",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      for (const name of NAMES) {
        await session.writeFile(`/workspace/names/${name}`, name);
        assert.equal((await session.executeCommand(["cat", `/workspace/names/${name}`])).stdout, name);
        assert.equal(await session.files.read(`names/${name}`), name);
      }
      const listed = (await session.files.list("names")).map(({ name }) => name);
      assert.deepEqual(listed.sort(), [...NAMES].sort());
    },
  },
  {
    id: "files.large",
    rows: [6],
    title: "row 6: 100 MB go in and come back with the same hash, without being held in memory",
    level: "session",
    needs: ["linux"],
    timeoutMs: 180_000,
    async run(context) {
      const session = await open(context, { memoryLimit: "256m" });
      const before = process.memoryUsage().rss;
      const sent = createHash("sha256");
      const block = randomBytes(1 << 20);
      async function* blocks(): AsyncGenerator<Uint8Array> {
        for (let n = 0; n < 100; n += 1) {
          block.writeUInt32BE(n, 0);
          sent.update(block);
          yield Uint8Array.from(block);
        }
      }
      await session.writeFile("large", blocks());
      assert.equal((await session.files.stat("large")).size, 100 << 20);
      const got = createHash("sha256");
      for await (const chunk of session.files.readStream("large")) got.update(chunk);
      const digest = sent.digest("hex");
      assert.equal(got.digest("hex"), digest);
      assert.ok((await sh(session, "sha256sum large")).startsWith(digest));
      const grown = process.memoryUsage().rss - before;
      assert.ok(grown < 96 << 20, `memory grew by ${grown} bytes`);
    },
  },
  {
    id: "files.read-parts",
    rows: [6],
    title: "row 6: a part of a file is read by offset and length",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      await session.writeFile("digits", "0123456789");
      assert.equal(await session.files.read("digits", { offset: 3, length: 4 }), "3456");
      assert.equal(await session.files.read("digits", { offset: 8 }), "89");
      assert.equal(await session.files.read("digits", { offset: 99 }), "");
      assert.equal((await collectBytes(session.files.readStream("digits"))).toString(), "0123456789");
    },
  },
  {
    id: "files.tree",
    rows: [6],
    title: "row 6: mkdir, list, stat, exists, rename and remove do what they say, and what is missing is `not_found`",
    level: "session",
    needs: [],
    async run(context) {
      const { files } = await open(context);
      assert.equal((await files.mkdir("a/b/c")).type, "directory");
      await files.write("a/one", "1");
      await files.write("a/b/two", "22");
      assert.deepEqual(
        (await files.list("a")).map(({ name }) => name),
        ["b", "one"],
      );
      assert.deepEqual(
        (await files.list("a", { depth: 2 })).map(({ path }) => path),
        ["/workspace/a/b", "/workspace/a/b/c", "/workspace/a/b/two", "/workspace/a/one"],
      );
      const stat = await files.stat("a/b/two");
      assert.deepEqual([stat.name, stat.type, stat.size, stat.path], ["two", "file", 2, "/workspace/a/b/two"]);
      await files.rename("a/b/two", "a/moved");
      assert.deepEqual([await files.exists("a/b/two"), await files.exists("a/moved")], [false, true]);
      await refused(() => files.remove("a"), "invalid_state", "invalid_argument", "conflict");
      await files.remove("a", { recursive: true });
      assert.equal(await files.exists("a"), false);
      await refused(() => files.read("a/one"), "not_found");
      await refused(() => files.stat("nothing"), "not_found");
      await refused(() => files.list("nothing"), "not_found");
      await refused(() => files.remove("nothing"), "not_found");
      await refused(() => files.read("/workspace"), "invalid_state", "invalid_argument");
    },
  },
  {
    id: "files.from-command",
    rows: [7],
    title: "row 7: what a command wrote is read back",
    level: "session",
    needs: ["shell"],
    async run(context) {
      const session = await open(context);
      await sh(session, "mkdir -p out && printf 'made inside' > out/result");
      assert.equal(await session.files.read("out/result"), "made inside");
    },
  },
  {
    id: "files.modes",
    rows: [52],
    title: "row 52: a new file has the mode and owner asked for; an existing one keeps its own",
    level: "session",
    needs: ["shell", "linux", "anyUser"],
    async run(context) {
      const session = await open(context);
      assert.equal((await session.writeFile("run.sh", "#!/bin/sh\necho ran\n", { mode: 0o755 })).mode, 0o755);
      assert.equal((await session.executeCommand(["/workspace/run.sh"])).stdout, "ran\n");
      await sh(session, "touch theirs; chown nobody theirs; chmod 600 theirs");
      const kept = await session.writeFile("theirs", "new content");
      assert.deepEqual([kept.uid, kept.mode], [65534, 0o600]);
      await refused(() => session.files.write("/root/secret", "x", { user: "nobody" }), "permission_denied");
      await refused(() => session.files.read("/etc/shadow-none/x"), "not_found");
    },
  },
  {
    id: "files.workspace",
    rows: [7, 11],
    title: "rows 7, 11: what was written stands in the host's workspace, also after close",
    level: "session",
    needs: ["workspace", "localPaths"],
    async run(context) {
      const session = await open(context);
      const { workspacePath } = await session.info();
      if (workspacePath === null) assert.fail("info() names no workspace");
      assert.ok(workspacePath.startsWith(context.workspace ?? "?"), workspacePath);
      await session.writeFile("/workspace/output.txt", "results");
      assert.equal(await readFile(join(workspacePath, "output.txt"), "utf8"), "results");
      await writeFile(join(workspacePath, "from-host.txt"), "hello");
      assert.equal((await session.executeCommand(["cat", "from-host.txt"])).stdout, "hello");
      await session.close();
      assert.equal(await readFile(join(workspacePath, "output.txt"), "utf8"), "results");
    },
  },
  {
    id: "files.planted-link",
    rows: [32],
    title: "row 32: a link that the container plants never makes the host read or write elsewhere",
    level: "session",
    needs: ["workspace", "localPaths", "shell", "tar"],
    async run(context) {
      const victim = await context.tempDir();
      await writeFile(join(victim, "secret"), "host secret");
      const session = await open(context);
      await sh(session, `ln -s ${victim} folder; ln -s ${victim}/secret file; ln -s ../../../../../.. up`);
      for (const path of ["folder/planted", "file", `up${victim}/planted`]) {
        await session.files.write(path, "overwritten").catch((error: unknown) => assert.ok(PodkitError.is(error)));
      }
      assert.equal(await readFile(join(victim, "secret"), "utf8"), "host secret");
      await assert.rejects(lstat(join(victim, "planted")));
      const read = await session.files
        .read("file")
        .catch((error: unknown) => (PodkitError.is(error) ? "" : assert.fail(String(error))));
      assert.notEqual(read, "host secret");
      const target = join(await context.tempDir(), "down");
      await session.files
        .download("/workspace", target)
        .catch((error: unknown) => assert.ok(PodkitError.is(error), String(error)));
      const copied = await lstat(join(target, "file")).catch(() => null);
      assert.ok(
        copied === null || copied.isSymbolicLink() || (await readFile(join(target, "file"), "utf8")) !== "host secret",
      );
    },
  },
  {
    id: "files.folders",
    rows: [6, 52],
    title: "rows 6, 52: a folder goes up and comes down the same, with modes and links, as the user's",
    level: "session",
    needs: ["tar", "linux", "shell", "anyUser"],
    async run(context) {
      const source = await context.tempDir();
      await mkdir(join(source, "sub dir", "empty"), { recursive: true });
      await writeFile(join(source, "sub dir", "ü 1.bin"), Buffer.alloc(300_000, 7));
      await writeFile(join(source, "tool.sh"), "#!/bin/sh\necho up\n", { mode: 0o755 });
      await symlink("tool.sh", join(source, "link"));
      const session = await open(context, { user: "nobody" });
      await session.files.upload(source, "/workspace/up");
      assert.equal((await session.executeCommand(["/workspace/up/link"])).stdout, "up\n");
      assert.equal(await sh(session, "stat -c %u up/tool.sh 'up/sub dir' up"), "65534\n65534\n65534\n");
      const target = join(await context.tempDir(), "down");
      await session.files.download("up", target);
      assert.ok((await readFile(join(target, "sub dir", "ü 1.bin"))).equals(Buffer.alloc(300_000, 7)));
      assert.ok((await lstat(join(target, "sub dir", "empty"))).isDirectory());
      assert.ok((await lstat(join(target, "link"))).isSymbolicLink());
      assert.equal((await lstat(join(target, "tool.sh"))).mode & 0o777, 0o755);
      await session.files.upload(join(source, "tool.sh"), "single.sh");
      assert.equal(await session.files.read("single.sh"), "#!/bin/sh\necho up\n");
      await refused(() => session.files.upload(join(source, "missing"), "x"), "not_found", "invalid_argument");
    },
  },
  {
    id: "files.watch",
    rows: [53],
    title: "row 53: a watch sees changes; aborting it only lets go",
    level: "session",
    needs: ["watch"],
    async run(context) {
      const session = await open(context);
      const caller = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        for await (const change of session.files.watch("/workspace", { signal: caller.signal })) seen.push(change.path);
      })().catch((error: unknown) => {
        if (!PodkitError.is(error, "aborted")) throw error;
      });
      let count = 0;
      await until("the first change", 30_000, async () => {
        count += 1;
        await session.files.write(`changed-${count}`, "x");
        await delay(50);
        return seen.some((path) => path.startsWith("/workspace/changed-"));
      });
      caller.abort();
      await within("the end of the watch", 30_000, watching);
      assert.equal((await session.executeCommand(["true"])).exitCode, 0);
    },
  },
];
