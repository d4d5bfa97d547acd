import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { initArgv } from "@podkit/agent";
import { collectBytes, refused, until, within } from "../../conformance/tools.js";
import type { BackendCase } from "../../conformance/types.js";
import { agentInit, start, withAgent } from "./tools.js";

/** Background processes, through the agent. */
export const processCases: readonly BackendCase[] = [
  {
    id: "processes.table",
    rows: [24, 26, 48],
    title:
      "rows 24, 26, 48: background processes outlive the connection; code 0 is `exited`, another `failed`; logs are read from any offset",
    level: "backend",
    needs: [],
    async run(context) {
      const { id } = await start(context);
      const [good, bad] = await withAgent(context, id, (agent) =>
        Promise.all([
          agent.processes.start({ name: "good", argv: ["echo", "hello world"] }),
          agent.processes.start({ argv: ["false"] }),
        ]),
      );
      await withAgent(context, id, async ({ processes }) => {
        const ended = await within("the ends", 30_000, Promise.all([processes.wait(good.id), processes.wait(bad.id)]));
        assert.deepEqual(
          ended.map(({ state, exitCode }) => [state, exitCode]),
          [
            ["exited", 0],
            ["failed", 1],
          ],
        );
        assert.deepEqual(
          [ended[0]?.name, ended[0]?.stdoutBytes, ended[0]?.argv],
          ["good", 12, ["echo", "hello world"]],
        );
        assert.equal((await collectBytes(processes.logs(good.id, { offset: 6 }))).toString(), "world\n");
        assert.equal((await collectBytes(processes.logs(good.id, { offset: -6 }))).toString(), "world\n");
        assert.deepEqual((await processes.list()).map((one) => one.id).sort(), [good.id, bad.id].sort());
        await processes.remove(good.id);
        await refused(() => processes.get(good.id), "not_found");
      });
    },
  },
  {
    id: "processes.stop",
    rows: [24],
    title: "row 24: a background process is stopped, and a follower of its log ends with it",
    level: "backend",
    needs: [],
    async run(context) {
      const { id } = await start(context);
      await withAgent(context, id, async ({ processes }) => {
        const { id: sleeper, state } = await processes.start({ argv: ["sleep", "300"] });
        assert.equal(state, "running");
        const followed = collectBytes(processes.logs(sleeper, { follow: true }));
        const stopped = await within("the stop", 30_000, processes.stop(sleeper, { graceMs: 1_000 }));
        assert.deepEqual([stopped.state, stopped.exitCode, stopped.signal], ["failed", null, "SIGTERM"]);
        await within("the end of the log", 30_000, followed);
      });
    },
  },
  {
    id: "processes.hold-idle-stop",
    rows: [9, 50],
    title:
      "rows 9, 50: a background process that runs longer than the lifetime is not cut off; after it, rest ends the container",
    level: "backend",
    needs: [],
    async run(context) {
      const { id } = await start(context, { argv: initArgv(agentInit({ lifetimeMs: 1_000 })) });
      await withAgent(context, id, (agent) => agent.processes.start({ argv: ["sleep", "4"] }));
      await delay(3_000);
      assert.equal((await context.backend.inspect(id)).state, "running");
      const ended = await until("the idle stop", 30_000, async () => {
        const info = await context.backend.inspect(id);
        return info.state === "stopped" && info;
      });
      assert.equal(ended.exitCode, 90);
    },
  },
];
