import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { countContainers, freePort, image, refused, within } from "../../conformance/tools.js";
import type { SessionCase } from "../../conformance/types.js";
import { containerOf, open, reopen, sh } from "./tools.js";

/** One identity, one container: found again, shared, compared, replaced. */
export const identityCases: readonly SessionCase[] = [
  {
    id: "again.same",
    rows: [8],
    title: "row 8: the same ids give the same container and its files, in this program and in another",
    level: "session",
    needs: [],
    async run(context) {
      const id = context.newId();
      const first = await open(context, {}, id);
      await first.writeFile("kept", "kept");
      const second = await context.harness.open(id);
      const third = await reopen(context, id);
      const containers = await Promise.all([first, second, third].map(containerOf));
      assert.equal(new Set(containers).size, 1);
      assert.equal(await third.files.read("kept"), "kept");
      assert.equal(await countContainers(context), 1);
    },
  },
  {
    id: "again.whole",
    rows: [8],
    title: "row 8: ports, mounts, limits, environment, folder and user are recovered, not just the image",
    level: "session",
    needs: ["publishPorts", "memoryLimit", "cpuLimit", "pidsLimit", "namedVolumes", "linux", "shell", "anyUser"],
    async run(context) {
      const config = {
        ports: [{ container: 80, host: 0 }, await freePort()],
        volumes: [{ source: "vol", target: "/vol" }],
        memoryLimit: "128m",
        cpuLimit: 0.5,
        pidsLimit: 100,
        environment: { KEPT: "yes" },
        workingDir: "/work",
        user: "nobody",
      };
      const session = await open(context, config);
      const before = await session.info();
      await session.stop();
      const again = await reopen(context, session);
      assert.equal(await sh(again, "pwd; id -u; echo $KEPT"), "/work\n65534\nyes\n");
      const after = await again.info();
      assert.equal(after.containerId, before.containerId);
      assert.deepEqual([after.limits, after.image], [before.limits, before.image]);
      assert.deepEqual(after.limits.memoryBytes, { value: 128 << 20, enforced: true });
      assert.deepEqual(
        new Set(after.ports.map((port) => JSON.stringify(port))),
        new Set(before.ports.map((port) => JSON.stringify(port))),
      );
      assert.match(await sh(again, "cat /proc/mounts"), / \/vol /);
    },
  },
  {
    id: "again.removed",
    rows: [8, 20],
    title: "rows 8, 20: one removed from outside is made again on the next use, with the whole configuration",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context, { environment: { KEPT: "yes" }, workingDir: "/work" });
      const before = await containerOf(session);
      await context.backend.remove(before);
      // Sent before the connection's end is known, a command could have begun: that is `exec_lost`, and not what is shown here.
      await delay(1_000);
      const env = await session.executeCommand(["env"]);
      assert.ok(env.stdout.includes("KEPT=yes\n"));
      assert.equal((await session.executeCommand(["pwd"])).stdout, "/work\n");
      assert.notEqual(await containerOf(session), before);
    },
  },
  {
    id: "again.stopped-outside",
    rows: [20, 41],
    title: "rows 20, 41: one stopped or killed from outside is started again by the next use",
    level: "session",
    needs: ["restart"],
    async run(context) {
      const session = await open(context);
      const id = await containerOf(session);
      await session.writeFile("kept", "kept");
      await context.backend.stop(id);
      assert.equal(await session.files.read("kept"), "kept");
      await context.backend.kill(id);
      assert.equal(await session.files.read("kept"), "kept");
      assert.equal(await containerOf(session), id);
    },
  },
  {
    id: "again.together",
    rows: [33],
    title: "row 33: fifty callers at once for one session get one container",
    level: "session",
    needs: [],
    async run(context) {
      const id = context.newId();
      const sessions = await Promise.all(Array.from({ length: 50 }, () => open(context, {}, id)));
      const containers = await Promise.all(sessions.map(containerOf));
      assert.equal(new Set(containers).size, 1);
      assert.equal(await countContainers(context), 1);
    },
  },
  {
    id: "again.together-fresh",
    rows: [33],
    title: "row 33: eight programs at once for one session get one container",
    level: "session",
    needs: [],
    async run(context) {
      const id = context.newId();
      const config = { image: image(context, "busybox") };
      const sessions = await Promise.all(
        Array.from({ length: 8 }, () => context.harness.open({ ...id, config, fresh: true })),
      );
      const outputs = await Promise.all(sessions.map((session) => session.executeCommand(["echo", "works"])));
      assert.ok(outputs.every(({ stdout }) => stdout === "works\n"));
      assert.equal(new Set(await Promise.all(sessions.map(containerOf))).size, 1);
      assert.equal(await countContainers(context), 1);
    },
  },
  {
    id: "again.apart",
    rows: [17, 33],
    title: "rows 17, 33: eight sessions at once are eight containers, each with its own files",
    level: "session",
    needs: [],
    timeoutMs: 120_000,
    async run(context) {
      const sessions = await Promise.all(Array.from({ length: 8 }, () => open(context)));
      await Promise.all(sessions.map((session) => session.writeFile("mine", session.sessionId)));
      const read = await Promise.all(sessions.map((session) => session.files.read("mine")));
      assert.deepEqual(
        read,
        sessions.map(({ sessionId }) => sessionId),
      );
      assert.equal(await countContainers(context), 8);
    },
  },
  {
    id: "conflict.config",
    rows: [34],
    title: "row 34: another configuration is `conflict` naming fields and values, of the environment only names",
    level: "session",
    needs: [],
    async run(context) {
      const id = context.newId();
      const asked = { environment: { TOKEN: "s3cret-one", SAME: "1" }, workingDir: "/work" };
      const session = await open(context, asked, id);
      const container = await containerOf(session);
      const other = { ...asked, workingDir: "/other", environment: { TOKEN: "s3cret-two", SAME: "1" } };
      const error = await refused(
        () => context.harness.open({ ...id, config: { image: image(context, "busybox"), ...other }, fresh: true }),
        "conflict",
      );
      assert.match(error.message, /workingDir/);
      assert.match(error.message, /\/work/);
      assert.match(error.message, /\/other/);
      assert.match(error.message, /TOKEN/);
      const told = `${error.message}${JSON.stringify(error.details)}`;
      assert.ok(!told.includes("s3cret"), "the error tells a value of the environment");
      await refused(() => open(context, other, id), "conflict");
      assert.equal(await containerOf(await open(context, asked, id)), container);
      assert.equal(await containerOf(await context.harness.open({ ...id, fresh: true })), container);
      assert.equal(await countContainers(context), 1);
    },
  },
  {
    id: "conflict.normalised",
    rows: [34],
    title:
      "row 34: the same configuration in other words is no conflict, and fields that are not asked for are not compared",
    level: "session",
    needs: ["memoryLimit"],
    async run(context) {
      const id = context.newId();
      const session = await open(context, { memoryLimit: "128m", environment: { A: "1" } }, id);
      const again = await open(context, { memoryLimit: 128 * 1024 * 1024 }, id);
      assert.equal(await containerOf(again), await containerOf(session));
      await refused(() => open(context, { memoryLimit: "129m" }, id), "conflict");
    },
  },
  {
    id: "conflict.choices",
    rows: [34],
    title: "row 34: `reuse` takes what is there, `recreate` makes it anew",
    level: "session",
    needs: [],
    async run(context) {
      const id = context.newId();
      const before = await containerOf(await open(context, { workingDir: "/work" }, id));
      const config = { image: image(context, "busybox"), workingDir: "/other" };
      const reused = await context.harness.open({ ...id, config, onConfigMismatch: "reuse", fresh: true });
      assert.equal((await reused.executeCommand(["pwd"])).stdout, "/work\n");
      assert.equal(await containerOf(reused), before);
      const recreated = await context.harness.open({ ...id, config, onConfigMismatch: "recreate", fresh: true });
      assert.equal((await recreated.executeCommand(["pwd"])).stdout, "/other\n");
      assert.notEqual(await containerOf(recreated), before);
      assert.equal(await countContainers(context), 1);
    },
  },
  {
    id: "replaced.handle",
    rows: [54],
    title:
      "row 54: a handle of a container that was replaced fails as `not_found`, and the session goes on with the new one",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const sleeper = await session.spawn(["sleep", "300"]);
      const lost = sleeper.wait().catch((error: unknown) => error);
      const before = await containerOf(session);
      await context.backend.remove(before);
      await within("the handle's end", 10_000, lost);
      assert.equal((await session.executeCommand(["echo", "new"])).stdout, "new\n");
      assert.notEqual(await containerOf(session), before);
      for (const use of [() => sleeper.kill(), () => sleeper.wait()]) {
        const error = await within("the handle's answer", 10_000, refused(use, "not_found"));
        assert.equal(error.details["reason"], "replaced");
      }
    },
  },
];
