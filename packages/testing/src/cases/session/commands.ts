import assert from "node:assert/strict";
import { ExecFailedError, ExecTimeoutError } from "@podkit/core";
import { image, within } from "../../conformance/tools.js";
import type { SessionCase } from "../../conformance/types.js";
import { open, sh } from "./tools.js";

/** Commands: codes, output, folder, environment, timeout, user. */
export const commandCases: readonly SessionCase[] = [
  {
    id: "cmd.echo",
    rows: [1],
    title: "row 1: echo gives exit code 0, its text on stdout and nothing on stderr",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const result = await session.executeCommand(["echo", "hello world"]);
      assert.deepEqual([result.exitCode, result.signal, result.stdout, result.stderr], [0, null, "hello world\n", ""]);
      assert.deepEqual([result.timedOut, result.truncated, result.oomKilled], [false, false, false]);
      assert.ok(result.durationMs >= 0 && result.durationMs < 10_000);
      const bytes = await session.executeCommand(["echo", "ü"], { encoding: "buffer" });
      assert.deepEqual([...bytes.stdout], [0xc3, 0xbc, 0x0a]);
    },
  },
  {
    id: "cmd.apart",
    rows: [1],
    title: "row 1: stdout and stderr come apart, and a string runs under /bin/sh",
    level: "session",
    needs: ["shell"],
    async run(context) {
      const session = await open(context);
      const result = await session.executeCommand("echo out; echo err >&2; exit 3");
      assert.deepEqual([result.exitCode, result.stdout, result.stderr], [3, "out\n", "err\n"]);
      assert.equal((await session.executeCommand(["echo", "$HOME; *"])).stdout, "$HOME; *\n");
    },
  },
  {
    id: "cmd.check",
    rows: [1],
    title: "row 1: another code than 0 is a result, and an error with the result where `check` asks for it",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      assert.equal((await session.executeCommand(["false"])).exitCode, 1);
      const failed = await session.executeCommand(["false"], { check: true }).catch((error: unknown) => error);
      assert.ok(failed instanceof ExecFailedError);
      assert.equal(failed.result.exitCode, 1);
      const late = await session
        .executeCommand(["sleep", "60"], { check: true, timeoutMs: 300 })
        .catch((error: unknown) => error);
      assert.ok(late instanceof ExecTimeoutError);
      assert.equal(late.result.timedOut, true);
    },
  },
  {
    id: "cmd.defaults",
    rows: [2],
    title: "row 2: workingDir and environment of the config hold for every command, and those of one call win",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context, { workingDir: "/work/here", environment: { A: "config", B: "config" } });
      assert.equal((await session.executeCommand(["pwd"])).stdout, "/work/here\n");
      const env = (await session.executeCommand(["env"])).stdout.split("\n");
      assert.ok(env.includes("A=config") && env.includes("B=config"));
      await session.files.mkdir("/work/here/below");
      assert.equal((await session.executeCommand(["pwd"], { cwd: "below" })).stdout, "/work/here/below\n");
      assert.equal((await session.executeCommand(["pwd"], { cwd: "/work" })).stdout, "/work\n");
      const own = (await session.executeCommand(["env"], { env: { B: "call=1\n2", C: "" } })).stdout;
      assert.ok(own.includes("A=config\n") && own.includes("B=call=1\n2\n") && own.includes("C=\n"));
    },
  },
  {
    id: "cmd.workspace",
    rows: [2],
    title: "row 2: the default folder is /workspace",
    level: "session",
    needs: [],
    async run(context) {
      assert.equal((await (await open(context)).executeCommand(["pwd"])).stdout, "/workspace\n");
    },
  },
  {
    id: "cmd.timeout",
    rows: [3],
    title: "row 3: a command that takes longer than its timeout ends in time, and the next one works",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const result = await within("the timeout", 15_000, session.executeCommand(["sleep", "60"], { timeoutMs: 500 }));
      assert.equal(result.timedOut, true);
      assert.equal(result.exitCode, null);
      assert.equal((await session.executeCommand(["echo", "next"])).stdout, "next\n");
    },
  },
  {
    id: "cmd.timeout-partial",
    rows: [3],
    title: "row 3: a timeout keeps what was printed so far",
    level: "session",
    needs: ["shell"],
    async run(context) {
      const session = await open(context);
      const result = await session.executeCommand("echo begun; echo oh >&2; sleep 60", { timeoutMs: 1_000 });
      assert.deepEqual([result.timedOut, result.stdout, result.stderr], [true, "begun\n", "oh\n"]);
    },
  },
  {
    id: "cmd.real-codes",
    rows: [3],
    title: "row 3: a genuine exit 124 or 137 is not taken for a timeout, nor for a signal",
    level: "session",
    needs: ["image:static"],
    async run(context) {
      const session = await open(context, { image: image(context, "static") });
      for (const code of [124, 137, 143, 255]) {
        const result = await session.executeCommand(["/hello", "exit", String(code)], { timeoutMs: 20_000 });
        assert.deepEqual([result.exitCode, result.signal, result.timedOut], [code, null, false]);
      }
    },
  },
  {
    id: "cmd.signal",
    rows: [42],
    title: "row 42: a command that a signal ended has that signal and no code",
    level: "session",
    needs: ["shell", "linux"],
    async run(context) {
      const session = await open(context);
      const result = await session.executeCommand("kill -9 $$");
      assert.deepEqual(
        [result.exitCode, result.signal, result.timedOut, result.oomKilled],
        [null, "SIGKILL", false, false],
      );
    },
  },
  {
    id: "cmd.missing",
    rows: [4],
    title: "row 4: a missing program is 127 with a message on stderr",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      for (const program of ["/no/such/program", "no-such-program"]) {
        const result = await session.executeCommand([program]);
        assert.equal(result.exitCode, 127);
        assert.ok(result.stderr.includes(program), result.stderr);
      }
    },
  },
  {
    id: "cmd.not-executable",
    rows: [4],
    title: "row 4: a program that may not be executed is 126 with a message on stderr",
    level: "session",
    needs: ["linux"],
    async run(context) {
      const session = await open(context);
      await session.writeFile("data", "no program", { mode: 0o644 });
      const result = await session.executeCommand(["/workspace/data"]);
      assert.equal(result.exitCode, 126);
      assert.notEqual(result.stderr, "");
    },
  },
  {
    id: "cmd.no-shell",
    rows: [4],
    title: "row 4: an image without a shell runs its program, and a string is 127 there",
    level: "session",
    needs: ["image:static"],
    async run(context) {
      const session = await open(context, { image: image(context, "static") });
      assert.equal((await session.executeCommand(["/hello", "a", "b"])).stdout, "a b\n");
      assert.equal((await session.executeCommand(["/hello", "cat"], { stdin: "through" })).stdout, "through");
      assert.equal((await session.executeCommand("/hello a")).exitCode, 127);
      await session.writeFile("deep/er/file", "x");
      assert.equal(await session.files.read("/workspace/deep/er/file"), "x");
    },
  },
  {
    id: "user.nobody",
    rows: [5],
    title: "row 5: nobody is not root and cannot write /root; the image's own user is the default",
    level: "session",
    needs: ["shell", "linux", "anyUser"],
    async run(context) {
      const session = await open(context);
      assert.equal(await sh(session, "id -u"), "0\n");
      const result = await session.executeCommand("id -u; id -g; touch /root/x", { user: "nobody" });
      assert.match(result.stdout, /^65534\n65534\n$/);
      assert.notEqual(result.exitCode, 0);
      assert.equal((await session.executeCommand("id -u; id -g", { user: "1000:1001" })).stdout, "1000\n1001\n");
    },
  },
  {
    id: "user.image",
    rows: [5],
    title: "row 5: the image's own user is the default, for commands, files and the folder",
    level: "session",
    needs: ["shell", "linux", "image:user"],
    async run(context) {
      const session = await open(context, { image: image(context, "user") });
      assert.equal(await sh(session, "id -u; id -g; touch mine; echo $HOME"), "1234\n1234\n/home/app\n");
      const file = await session.writeFile("written", "x");
      assert.deepEqual([file.uid, file.gid], [1234, 1234]);
      assert.equal(await sh(session, "echo more >> written; cat written; echo $IMAGE_VAR"), "xmore\nfrom-image\n");
    },
  },
  {
    id: "user.config",
    rows: [5, 52],
    title: "rows 5, 52: the config's user holds for commands and for files",
    level: "session",
    needs: ["shell", "linux", "anyUser"],
    async run(context) {
      const session = await open(context, { user: "nobody" });
      assert.equal(await sh(session, "id -u"), "65534\n");
      assert.equal((await session.writeFile("deep/file", "x")).uid, 65534);
      assert.equal((await session.files.stat("deep")).uid, 65534);
      assert.equal((await session.executeCommand("id -u", { user: "root" })).stdout, "0\n");
    },
  },
  {
    id: "cmd.at-once",
    rows: [1],
    title: "row 1: sixteen commands at once in one session do not mix",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const all = await Promise.all(
        Array.from({ length: 16 }, (_, n) => session.executeCommand(["echo", `number ${n}`])),
      );
      assert.deepEqual(
        all.map(({ stdout }) => stdout),
        all.map((_, n) => `number ${n}\n`),
      );
      assert.ok(all.every(({ exitCode }) => exitCode === 0));
    },
  },
];
