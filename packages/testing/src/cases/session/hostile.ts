import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { PodkitError } from "@podkit/core";
import { image, refused, until, within } from "../../conformance/tools.js";
import type { SessionCase } from "../../conformance/types.js";
import { containerOf, open, processesWith, sh, sleepMarker } from "./tools.js";

/** Everything that a command can leave behind: sessions, double forks, an empty environment, other users. */
function escapes(marker: string): string {
  return [
    `setsid sleep ${marker} &`,
    `(setsid sh -c 'sleep ${marker} & sleep ${marker}' &)`,
    `env -i /bin/sleep ${marker} &`,
    `env -i setsid /bin/sh -c '(/bin/sleep ${marker} &) &' &`,
    `sh -c '(sh -c "(sleep ${marker} &)" &)'`,
    `su nobody -s /bin/sh -c 'setsid sleep ${marker} & echo as-$(id -u); sleep ${marker}' &`,
    `trap '' TERM INT HUP; sleep ${marker} & sleep 1; echo planted; sleep ${marker}; sleep ${marker}`,
  ].join("\n");
}

/** What runs inside is hostile: trees, bombs, limits. */
export const hostileCases: readonly SessionCase[] = [
  {
    id: "tree.timeout",
    rows: [40],
    title:
      "row 40: a timeout ends the whole tree: setsid, double forks, env -i, other users, su; a command beside it is untouched",
    level: "session",
    needs: ["shell", "linux", "image:base", "anyUser"],
    async run(context) {
      const session = await open(context, { image: image(context, "base") });
      const marker = sleepMarker();
      const beside = session.executeCommand(`sleep 6; echo untouched`);
      const result = await within("the timeout", 30_000, session.executeCommand(escapes(marker), { timeoutMs: 3_000 }));
      assert.equal(result.timedOut, true);
      assert.match(result.stdout, /as-65534/);
      assert.match(result.stdout, /planted/);
      assert.deepEqual(await processesWith(session, marker), []);
      assert.deepEqual([(await beside).stdout, (await beside).exitCode], ["untouched\n", 0]);
    },
  },
  {
    id: "tree.abort",
    rows: [40, 53],
    title: "rows 40, 53: an abort rejects at once and ends the whole tree",
    level: "session",
    needs: ["shell", "linux"],
    async run(context) {
      const session = await open(context);
      const marker = sleepMarker();
      const caller = new AbortController();
      const script = `setsid sleep ${marker} & (sh -c 'sleep ${marker} &' &); echo ready; sleep ${marker}`;
      let seen = "";
      const onStdout = (chunk: Uint8Array): void => {
        seen += Buffer.from(chunk).toString();
      };
      const running = session.executeCommand(script, { signal: caller.signal, onStdout });
      const aborted = refused(() => running, "aborted");
      await until("the command's start", 30_000, async () => seen.includes("ready"));
      const at = Date.now();
      caller.abort();
      await within("the rejection", 1_000, aborted);
      assert.ok(Date.now() - at < 1_000);
      await until("the end of the tree", 15_000, async () => (await processesWith(session, marker)).length === 0);
    },
  },
  {
    id: "tree.kill",
    rows: [40],
    title: "row 40: SIGKILL of a spawned command ends its whole tree, SIGTERM asks its group",
    level: "session",
    needs: ["shell", "linux"],
    async run(context) {
      const session = await open(context);
      const marker = sleepMarker();
      await using tree = await session.spawn(`setsid sleep ${marker} & sleep ${marker}`);
      await until("the tree", 30_000, async () => (await processesWith(session, `sleep ${marker}`)).length >= 2);
      await tree.kill("SIGKILL");
      assert.equal((await within("the end", 30_000, tree.wait())).signal, "SIGKILL");
      assert.deepEqual(await processesWith(session, marker), []);
      await using asked = await session.spawn(
        "trap 'echo asked; exit 7' TERM; echo ready; while :; do sleep 0.1; done",
      );
      const lines = asked.stdout[Symbol.asyncIterator]();
      await within("the start", 30_000, lines.next());
      await asked.kill("SIGTERM");
      assert.equal((await within("the end", 30_000, asked.wait())).exitCode, 7);
    },
  },
  {
    id: "bomb.fork",
    rows: [40],
    title:
      "row 40: a fork bomb that fills the pids limit ends whole with its timeout; a command beside it is untouched and the next one works",
    level: "session",
    needs: ["shell", "linux", "pidsLimit", "image:base"],
    timeoutMs: 120_000,
    async run(context) {
      const session = await open(context, { image: image(context, "base"), pidsLimit: 200, cpuLimit: 1 });
      const container = await containerOf(session);
      await using beside = await session.spawn(["bash", "-c", "echo ready; read -r line; echo untouched $line"]);
      const lines = beside.stdout[Symbol.asyncIterator]();
      await within("the start of the command beside", 30_000, lines.next());
      const script = "b() { b | b & }; (b; b) 2>/dev/null & exec sleep 60";
      const [result] = await within(
        "the bomb's end",
        60_000,
        Promise.all([
          session.executeCommand(["bash", "-c", script], { timeoutMs: 8_000 }),
          until("the full limit", 8_000, async () => (await context.backend.stats(container)).pids >= 200),
        ]),
      );
      assert.equal(result.timedOut, true);
      const next = session.executeCommand(["echo", "next"]);
      assert.equal((await within("the next command", 30_000, next)).stdout, "next\n");
      const left = await processesWith(session, "");
      assert.deepEqual(
        left.filter((line) => /bash|sleep/.test(line)).map((line) => line.includes("untouched")),
        [true],
        `the bomb left ${left.join("; ")}`,
      );
      beside.stdin.end("all the while\n");
      const { value } = await within("its answer", 30_000, lines.next());
      assert.equal(Buffer.from(value).toString(), "untouched all the while\n");
      assert.equal((await beside.wait()).exitCode, 0);
    },
  },
  {
    id: "bomb.pids-held",
    rows: [15, 41],
    title: "rows 15, 41: a pids limit held full for 10 s kills nothing of ours; then a command runs",
    level: "session",
    needs: ["linux", "pidsLimit", "image:base"],
    timeoutMs: 120_000,
    async run(context) {
      const session = await open(context, { image: image(context, "base"), pidsLimit: 80 });
      const container = await containerOf(session);
      const isFull = async (): Promise<boolean> => (await context.backend.stats(container)).pids >= 80;
      // A shell ends where it cannot fork and leaves room; this one takes every place that comes free.
      const script =
        "for (;;) { my $p = fork; if (!defined $p) { select undef, undef, undef, 0.02 } elsif (!$p) { sleep 600 } }";
      await using filler = await session.spawn(["perl", "-e", script]);
      await until("the full limit", 15_000, isFull);
      const deadline = Date.now() + 10_000;
      while (Date.now() < deadline) {
        const tried = await within(
          "a command at the limit",
          15_000,
          session.executeCommand(["true"], { timeoutMs: 5_000 }).catch((error: unknown) => error),
        );
        if (tried instanceof Error) assert.ok(PodkitError.is(tried), String(tried));
        await until("the limit being full again", 2_000, isFull);
        await delay(500);
      }
      await filler.kill("SIGKILL");
      await until("a command that runs", 30_000, async () => {
        const tried = await session.executeCommand(["echo", "runs"]).catch(() => null);
        return tried?.stdout === "runs\n";
      });
      assert.equal(await containerOf(session), container);
      assert.equal((await context.backend.inspect(container)).state, "running");
    },
  },
  {
    id: "zombies.reaped",
    rows: [36],
    title: "row 36: zombies are reaped",
    level: "session",
    needs: ["shell", "linux"],
    async run(context) {
      const session = await open(context);
      await sh(session, "for n in 1 2 3 4 5 6 7 8; do (sleep 0.05 & sleep 0.1 &) ; done");
      await until(
        "no zombies",
        30_000,
        async () =>
          !(await sh(session, "cat /proc/[0-9]*/stat 2>/dev/null || true"))
            .split("\n")
            .some((line) => /\) Z /.test(line)),
      );
    },
  },
  {
    id: "limits.inside",
    rows: [15],
    title: "row 15: limits are read back from the engine and seen from inside",
    level: "session",
    needs: ["cpuLimit", "memoryLimit", "pidsLimit", "shell", "linux"],
    async run(context) {
      const session = await open(context, { cpuLimit: 0.5, memoryLimit: "96M", pidsLimit: 100 });
      const { limits } = await session.info();
      assert.deepEqual(limits, {
        cpus: { value: 0.5, enforced: true },
        memoryBytes: { value: 96 << 20, enforced: true },
        pids: { value: 100, enforced: true },
      });
      const engine = (await context.backend.inspect(await containerOf(session))).limits;
      assert.deepEqual(engine, { cpus: 0.5, memoryBytes: 96 << 20, pids: 100 });
      const cgroup =
        "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max pids/pids.max pids.max 2>/dev/null; true";
      assert.deepEqual((await sh(session, cgroup)).trim().split("\n").sort(), ["100", String(96 << 20)]);
    },
  },
  {
    id: "limits.oom",
    rows: [15],
    title: "row 15: an out-of-memory kill is reported as such, another kill is not, and the session goes on",
    level: "session",
    needs: ["memoryLimit", "shell", "linux"],
    async run(context) {
      const session = await open(context, { memoryLimit: "64m" });
      const result = await within("the kill", 30_000, session.executeCommand(["tail", "/dev/zero"]));
      assert.deepEqual([result.signal, result.oomKilled], ["SIGKILL", true]);
      const plain = await session.executeCommand("kill -9 $$");
      assert.deepEqual([plain.signal, plain.oomKilled], ["SIGKILL", false]);
      assert.equal((await session.executeCommand(["echo", "on"])).stdout, "on\n");
    },
  },
  {
    id: "death.container",
    rows: [41, 42],
    title:
      "rows 41, 42: a container killed in the middle of a command is a typed error within 5 s, and the next call works",
    level: "session",
    needs: ["restart"],
    async run(context) {
      const session = await open(context);
      const container = await containerOf(session);
      const running = session.executeCommand(["sleep", "60"]);
      running.catch(() => undefined);
      await delay(1_000);
      await context.backend.kill(container);
      const error = await within(
        "the error",
        5_000,
        refused(() => running, "exec_lost"),
      );
      assert.equal(error.retryable, false);
      assert.equal((await within("the next call", 60_000, session.executeCommand(["echo", "next"]))).stdout, "next\n");
    },
  },
  {
    id: "death.agent",
    rows: [41],
    title: "row 41: no command can end PID 1",
    level: "session",
    needs: ["shell", "linux"],
    async run(context) {
      const session = await open(context);
      const container = await containerOf(session);
      await session.executeCommand("kill -9 1; kill -9 $PPID; kill -STOP 1", { timeoutMs: 20_000 });
      assert.equal((await within("the next call", 30_000, session.executeCommand(["echo", "next"]))).stdout, "next\n");
      assert.equal(await containerOf(session), container);
    },
  },
  {
    id: "abort.before",
    rows: [53],
    title: "row 53: a signal that was given already is `aborted`, and nothing is made or run",
    level: "session",
    needs: [],
    async run(context) {
      const signal = AbortSignal.abort();
      await refused(
        () => context.harness.open({ ...context.newId(), config: { image: image(context, "busybox") }, signal }),
        "aborted",
      );
      assert.deepEqual(await context.backend.list({ "dev.podkit.prefix": context.prefix }), []);
      const session = await open(context);
      await refused(() => session.executeCommand(["true"], { signal }), "aborted");
      await refused(() => session.writeFile("x", "x", { signal }), "aborted");
      assert.equal(await session.files.exists("x"), false);
    },
  },
  {
    id: "abort.command",
    rows: [53],
    title: "row 53: an abort in the middle of a command rejects at once, and the next command works",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const caller = new AbortController();
      const running = refused(() => session.executeCommand(["sleep", "60"], { signal: caller.signal }), "aborted");
      await delay(300);
      caller.abort();
      await within("the rejection", 1_000, running);
      assert.equal((await session.executeCommand(["echo", "next"])).stdout, "next\n");
    },
  },
  {
    id: "root.read-only",
    rows: [16],
    title: "row 16: with a read-only root, commands and files in the workspace work, and nothing else can be changed",
    level: "session",
    needs: ["readOnlyRootfs", "shell", "linux"],
    async run(context) {
      const session = await open(context, { readOnlyRootfs: true, tmpfs: ["/tmp"] });
      assert.equal(await sh(session, "touch /tmp/x && echo ran"), "ran\n");
      await session.writeFile("/workspace/file", "x");
      assert.equal(await session.files.read("file"), "x");
      assert.notEqual((await session.executeCommand("touch /etc/x")).exitCode, 0);
    },
  },
];
