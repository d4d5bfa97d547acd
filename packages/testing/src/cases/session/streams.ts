import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { collectBytes, within } from "../../conformance/tools.js";
import type { SessionCase } from "../../conformance/types.js";
import { open, processesWith, sh, sleepMarker } from "./tools.js";

/** Output, stdin, `spawn`. */
export const streamCases: readonly SessionCase[] = [
  {
    id: "out.background-child",
    rows: [43],
    title: "row 43: a background child that holds stdout does not keep the call, and lives on",
    level: "session",
    needs: ["shell", "linux"],
    async run(context) {
      const session = await open(context);
      const marker = sleepMarker();
      const result = await within("the call", 15_000, session.executeCommand(`sleep ${marker} & echo done`));
      assert.deepEqual([result.exitCode, result.stdout], [0, "done\n"]);
      assert.equal((await processesWith(session, marker)).length, 1);
    },
  },
  {
    id: "out.utf8",
    rows: [44],
    title: "row 44: characters of three bytes come whole across all chunk edges, to callbacks as bytes too",
    level: "session",
    needs: ["shell"],
    async run(context) {
      const session = await open(context);
      const chunks: Uint8Array[] = [];
      const { stdout } = await session.executeCommand("yes '€漢あ' | head -c 3000000", {
        onStdout: (chunk) => void chunks.push(chunk),
      });
      assert.ok(stdout === "€漢あ\n".repeat(300_000), "the text came broken");
      assert.ok(Buffer.concat(chunks).equals(Buffer.from(stdout)), "callbacks saw something else");
    },
  },
  {
    id: "out.utf8-pieces",
    rows: [44],
    title: "row 44: a character whose bytes come apart in time is one character",
    level: "session",
    needs: ["shell"],
    async run(context) {
      const session = await open(context);
      assert.equal(await sh(session, "printf '\\342'; sleep 0.2; printf '\\202'; sleep 0.2; printf '\\254'"), "€");
    },
  },
  {
    id: "out.whole",
    rows: [44],
    title: "row 44: no first byte is lost and no last one cut, over fifty short commands",
    level: "session",
    needs: ["shell"],
    async run(context) {
      const session = await open(context);
      for (let n = 0; n < 50; n += 1) {
        const result = await session.executeCommand(["/bin/sh", "-c", `printf 'a%s' ${n}; printf 'b%s' ${n} >&2`]);
        assert.deepEqual([result.stdout, result.stderr], [`a${n}`, `b${n}`]);
      }
    },
  },
  {
    id: "out.long-line",
    rows: [44],
    title: "row 44: a line of 10 MB comes whole",
    level: "session",
    needs: ["shell"],
    async run(context) {
      const session = await open(context);
      const script = "head -c 10000000 /dev/zero | tr '\\0' x; echo";
      const { stdout, truncated } = await session.executeCommand(script, { maxOutputBytes: 16 << 20 });
      assert.equal(truncated, false);
      assert.ok(stdout === `${"x".repeat(10_000_000)}\n`, "the line came broken");
    },
  },
  {
    id: "out.capped",
    rows: [45],
    title: "row 45: endless output is capped, with head and tail kept, and commands beside it stay fast",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const before = process.memoryUsage().rss;
      const endless = session.executeCommand(["yes"], {
        timeoutMs: 3_000,
        maxOutputBytes: 1 << 20,
        encoding: "buffer",
      });
      for (let n = 0; n < 10; n += 1) {
        await within("a command beside it", 15_000, session.executeCommand(["true"]));
        await delay(100);
      }
      const result = await endless;
      assert.equal(result.timedOut, true);
      assert.ok(result.truncated !== false && result.truncated.stdout > 0 && result.truncated.stderr === 0);
      assert.ok(
        result.stdout.length <= (1 << 20) + 256 && result.stdout.length > 1 << 19,
        `${result.stdout.length} bytes are kept`,
      );
      assert.equal(Buffer.from(result.stdout.subarray(0, 4)).toString(), "y\ny\n");
      const grown = process.memoryUsage().rss - before;
      assert.ok(grown < 64 << 20, `memory grew by ${grown} bytes`);
    },
  },
  {
    id: "out.capped-exact",
    rows: [45],
    title: "row 45: what was dropped is counted exactly, and a stream that just fits is whole",
    level: "session",
    needs: ["shell"],
    async run(context) {
      const session = await open(context);
      const script = "seq 1 100000";
      const whole = (await session.executeCommand(script)).stdout;
      const fits = await session.executeCommand(script, { maxOutputBytes: whole.length });
      assert.deepEqual([fits.stdout === whole, fits.truncated], [true, false]);
      const cut = await session.executeCommand(script, { maxOutputBytes: 1_000, encoding: "buffer" });
      assert.ok(cut.truncated !== false);
      assert.equal(cut.truncated.stdout, whole.length - 1_000);
      const text = Buffer.from(cut.stdout).toString();
      assert.ok(text.startsWith("1\n2\n3\n") && text.endsWith("99999\n100000\n"), text);
    },
  },
  {
    id: "out.backpressure",
    rows: [45],
    title: "row 45: a spawned command that nobody reads waits, and goes on when it is read",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const before = process.memoryUsage().rss;
      await using endless = await session.spawn(["yes"]);
      await delay(1_500);
      const grown = process.memoryUsage().rss - before;
      assert.ok(grown < 64 << 20, `memory grew by ${grown} bytes`);
      let read = 0;
      for await (const chunk of endless.stdout) {
        assert.ok(typeof chunk !== "string");
        read += chunk.length;
        if (read > 8 << 20) break;
      }
      await endless.kill("SIGKILL");
      const exit = await within("the end", 30_000, endless.wait());
      assert.deepEqual([exit.exitCode, exit.signal], [null, "SIGKILL"]);
    },
  },
  {
    id: "in.cat-ends",
    rows: [46],
    title: "row 46: cat ends when its stdin ends; without stdin it ends at once",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      assert.equal((await session.executeCommand(["cat"], { stdin: "line\n", timeoutMs: 30_000 })).stdout, "line\n");
      const empty = await session.executeCommand(["cat"], { timeoutMs: 30_000 });
      assert.deepEqual([empty.exitCode, empty.stdout, empty.timedOut], [0, "", false]);
    },
  },
  {
    id: "in.megabyte",
    rows: [46],
    title: "row 46: a megabyte through stdin comes out whole, from bytes and from a stream",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const data = randomBytes(1 << 20);
      const whole = await session.executeCommand(["cat"], { stdin: data, encoding: "buffer", timeoutMs: 30_000 });
      assert.ok(Buffer.from(whole.stdout).equals(data), "the bytes came broken");
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < data.length; at += 99_999) yield data.subarray(at, at + 99_999);
      }
      const streamed = await session.executeCommand(["cat"], {
        stdin: pieces(),
        encoding: "buffer",
        timeoutMs: 30_000,
      });
      assert.ok(Buffer.from(streamed.stdout).equals(data), "the streamed bytes came broken");
    },
  },
  {
    id: "in.unread",
    rows: [46],
    title: "row 46: a command that does not read its stdin ends all the same",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const result = await within(
        "the call",
        30_000,
        session.executeCommand(["true"], { stdin: randomBytes(4 << 20) }),
      );
      assert.equal(result.exitCode, 0);
    },
  },
  {
    id: "spawn.talk",
    rows: [46],
    title: "row 46: a spawned cat answers line by line, ends with its stdin, and can be waited for twice",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      await using cat = await session.spawn(["cat"]);
      assert.ok(cat.pid > 0);
      const lines = cat.stdout[Symbol.asyncIterator]();
      for (const line of ["one\n", "two\n"]) {
        cat.stdin.write(line);
        const { value } = await within("the answer", 30_000, lines.next());
        assert.equal(Buffer.from(value).toString(), line);
      }
      cat.stdin.end();
      const exit = await within("the end", 30_000, cat.wait());
      assert.deepEqual([exit.exitCode, exit.signal, exit.timedOut], [0, null, false]);
      assert.deepEqual(await cat.wait(), exit);
      await cat.kill();
    },
  },
  {
    id: "spawn.pty",
    rows: [44],
    title: "row 44: a spawned command with a terminal has its size, also after a resize",
    level: "session",
    needs: ["shell", "linux"],
    async run(context) {
      const session = await open(context);
      await using shell = await session.spawn("stty size; read x; stty size", { pty: { columns: 91, rows: 33 } });
      await shell.resize({ columns: 120, rows: 40 });
      shell.stdin.write("\n");
      const text = (await collectBytes(shell.stdout)).toString();
      assert.match(text, /40 120/);
      assert.equal((await shell.wait()).exitCode, 0);
    },
  },
  {
    id: "spawn.timeout",
    rows: [3, 40],
    title: "rows 3, 40: a spawned command ends at its timeout",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      await using sleeper = await session.spawn(["sleep", "60"], { timeoutMs: 500 });
      assert.equal((await within("the end", 30_000, sleeper.wait())).timedOut, true);
    },
  },
  {
    id: "spawn.hash",
    rows: [44],
    title: "row 44: 20 MB through a spawned cat come out with the same hash",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const sent = createHash("sha256");
      const got = createHash("sha256");
      await using cat = await session.spawn(["cat"]);
      const reading = (async () => {
        for await (const chunk of cat.stdout) got.update(chunk);
      })();
      for (let n = 0; n < 20; n += 1) {
        const data = randomBytes(1 << 20);
        sent.update(data);
        if (!cat.stdin.write(data))
          await within("the drain", 20_000, new Promise((resolve) => cat.stdin.once("drain", resolve)));
      }
      cat.stdin.end();
      await reading;
      assert.equal((await cat.wait()).exitCode, 0);
      assert.equal(got.digest("hex"), sent.digest("hex"));
    },
  },
];
