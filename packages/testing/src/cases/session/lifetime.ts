import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { PodkitError } from "@podkit/core";
import { countContainers, image, refused, until, within } from "../../conformance/tools.js";
import type { SessionCase, SessionContext } from "../../conformance/types.js";
import { withAgent } from "../backend/tools.js";
import { containerOf, open, reopen } from "./tools.js";

/** Waits until the container stopped by itself; looks at the engine alone, which is no activity. */
function stopped(context: SessionContext, id: string) {
  return until("the container's stop", 45_000, async () => {
    const info = await context.backend.inspect(id);
    return info.state === "stopped" && info;
  });
}

async function logOf(context: SessionContext, id: string): Promise<string> {
  let text = "";
  for await (const { data } of context.backend.logs(id)) text += Buffer.from(data).toString();
  return text;
}

/** Idle stop, programs, close. */
export const lifetimeCases: readonly SessionCase[] = [
  {
    id: "life.idle-stop",
    rows: [9],
    title:
      "row 9: after its lifetime of rest the container is stopped, not removed; the next command starts it again, files intact",
    level: "session",
    needs: ["restart"],
    async run(context) {
      const session = await open(context, { containerLifetimeMs: 1_500 });
      await session.writeFile("kept", "kept");
      const id = await containerOf(session);
      assert.equal((await stopped(context, id)).exitCode, 90);
      assert.equal((await session.info()).state, "stopped");
      assert.equal((await session.executeCommand(["cat", "kept"])).stdout, "kept");
      assert.equal(await containerOf(session), id);
    },
  },
  {
    id: "life.looking-is-no-use",
    rows: [9],
    title: "row 9: an open session and `info` keep no container running",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context, { containerLifetimeMs: 1_500 });
      await session.executeCommand(["true"]);
      await until("the stop", 45_000, async () => (await session.info()).state === "stopped");
    },
  },
  {
    id: "life.work-goes-on",
    rows: [9, 50],
    title: "rows 9, 50: a command and a spawned one that run longer than the lifetime are not cut off",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context, { containerLifetimeMs: 1_000 });
      const [result, exit] = await Promise.all([
        session.executeCommand(["sleep", "4"]),
        (async () => {
          await using sleeper = await session.spawn(["sleep", "4"]);
          return await sleeper.wait();
        })(),
      ]);
      assert.deepEqual([result.exitCode, exit.exitCode, exit.signal], [0, 0, null]);
    },
  },
  {
    id: "life.max",
    rows: [10],
    title: "row 10: `maxLifetimeMs` ends even running work, and that is said",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context, { maxLifetimeMs: 2_000 });
      const id = await containerOf(session);
      const running = session.executeCommand(["sleep", "60"]).catch((error: unknown) => error);
      const end = await within("the end", 30_000, running);
      // The agent may have had the time to tell; what must not be is a code, or an invitation to run it again.
      if (PodkitError.is(end)) assert.deepEqual([end.code, end.retryable], ["exec_lost", false]);
      else assert.match(JSON.stringify(end), /"exitCode":null,"signal":"SIG[A-Z]+"/);
      assert.equal((await stopped(context, id)).exitCode, 92);
    },
  },
  {
    id: "life.until-closed",
    rows: [10],
    title: "row 10: `entrypoint: []` runs until closed, whatever the lifetime",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context, { entrypoint: [], containerLifetimeMs: 1_000 });
      const id = await containerOf(session);
      assert.equal(await withAgent(context, id, async (agent) => (await agent.status()).lifetimeMs), null);
      await delay(3_000);
      assert.equal((await context.backend.inspect(id)).state, "running");
      await session.close();
      assert.equal(await countContainers(context), 0);
    },
  },
  {
    id: "life.program",
    rows: [10],
    title:
      "row 10: an entrypoint runs that program; useImageDefaults the image's own; command replaces CMD alone; none stops for rest",
    level: "session",
    needs: ["shell", "linux", "imageInspect", "image:user"],
    async run(context) {
      const user = image(context, "user");
      const configs = [
        { config: { entrypoint: ["/bin/sh", "-c", "echo own-entrypoint; sleep 1000"] }, said: /own-entrypoint/ },
        { config: { image: user, useImageDefaults: true }, said: /program-started/ },
        { config: { image: user, command: ["echo own-command; sleep 1000"] }, said: /^own-command/m },
        { config: { command: "echo by-shell; sleep 1000" }, said: /by-shell/ },
      ];
      for (const { config, said } of configs) {
        const session = await open(context, config);
        const id = await containerOf(session);
        await until(`the line ${said}`, 30_000, async () => said.test(await logOf(context, id)));
        const status = await withAgent(context, id, (agent) => agent.status());
        assert.deepEqual([status.lifetimeMs, status.program?.state], [null, "running"]);
        assert.equal((await session.executeCommand(["echo", "beside"])).stdout, "beside\n");
      }
    },
  },
  {
    id: "life.program-ends",
    rows: [10],
    title: "row 10: the end of the program ends the container with its code",
    level: "session",
    needs: ["shell"],
    async run(context) {
      const session = await open(context, { command: ["/bin/sh", "-c", "sleep 2; exit 5"] });
      assert.equal((await stopped(context, await containerOf(session))).exitCode, 5);
    },
  },
  {
    id: "life.not-init",
    rows: [10],
    title: "row 10: `agentAsInit: false` leaves the image's program PID 1, and commands work beside it",
    level: "session",
    needs: ["shell", "linux", "image:user"],
    async run(context) {
      const session = await open(context, {
        image: image(context, "user"),
        agentAsInit: false,
        useImageDefaults: true,
      });
      const result = await session.executeCommand("tr '\\0' ' ' </proc/1/cmdline; id -u");
      assert.match(result.stdout, /^(sleep 1000|.*program-started)/);
      assert.doesNotMatch(result.stdout, /podkit-agent/);
      assert.match(result.stdout, /1234\n$/);
    },
  },
  {
    id: "life.crash",
    rows: [14, 30],
    title:
      "rows 14, 30: a container that crashes at start fails the creation with its code and last lines, and nothing is left",
    level: "session",
    needs: ["image:crash"],
    async run(context) {
      const error = await refused(
        () => open(context, { image: image(context, "crash"), useImageDefaults: true }),
        "invalid_state",
      );
      assert.match(error.message, /boom: about to crash/);
      assert.match(error.message, /\b3\b/);
      const { reason, exitCode, logs } = error.details;
      assert.deepEqual([reason, exitCode], ["crashed", 3]);
      assert.match(JSON.stringify(logs), /boom: about to crash/);
      assert.equal(await countContainers(context), 0);
    },
  },
  {
    id: "life.stop",
    rows: [9],
    title: "row 9: `stop` ends everything inside and keeps the files; the next command starts it again",
    level: "session",
    needs: ["restart"],
    async run(context) {
      const session = await open(context);
      await session.writeFile("kept", "kept");
      await session.stop();
      await session.stop();
      assert.equal((await session.info()).state, "stopped");
      assert.equal(await session.files.read("kept"), "kept");
    },
  },
  {
    id: "life.pause",
    rows: [8],
    title: "row 8: a paused session says so, goes on after `resume`, and a deadline does not run meanwhile",
    level: "session",
    needs: ["pause", "linux", "shell"],
    async run(context) {
      const session = await open(context);
      let begun = false;
      const onStdout = (): void => {
        begun = true;
      };
      const running = session.executeCommand("echo begun; sleep 2", { timeoutMs: 5_000, onStdout });
      await until("the command's start", 30_000, async () => begun);
      await session.pause();
      assert.equal((await session.info()).state, "paused");
      await delay(6_000);
      await session.resume();
      const result = await running;
      assert.deepEqual([result.exitCode, result.timedOut], [0, false]);
    },
  },
  {
    id: "life.close",
    rows: [11, 12],
    title:
      "rows 11, 12: close removes the container, twice is fine, and using it afterwards is `invalid_state`; disposal does the same",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      await session.close();
      await session.close();
      assert.equal(await countContainers(context), 0);
      await refused(() => session.executeCommand(["true"]), "invalid_state");
      await refused(() => session.writeFile("x", "x"), "invalid_state");
      await refused(() => session.files.read("x"), "invalid_state");
      await refused(() => session.info(), "invalid_state");
      await refused(() => session.spawn(["true"]), "invalid_state");
      assert.equal(await countContainers(context), 0);
      const other = await open(context);
      await other[Symbol.asyncDispose]();
      assert.equal(await countContainers(context), 0);
    },
  },
  {
    id: "life.close-elsewhere",
    rows: [11],
    title: "row 11: closing what another program closed already is fine",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const other = await reopen(context, session);
      await other.close();
      await session.close();
      assert.equal(await countContainers(context), 0);
    },
  },
];
