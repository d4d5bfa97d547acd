import assert from "node:assert/strict";
import { initArgv } from "@podkit/agent";
import { refused, until } from "../../conformance/tools.js";
import type { BackendCase } from "../../conformance/types.js";
import { agentInit, create, refusesSpec, specOf, start, withAgent } from "./tools.js";

/** Making, starting, stopping and removing containers. */
export const lifecycleCases: readonly BackendCase[] = [
  {
    id: "connect.contract",
    rows: [],
    title:
      "a backend names version 1 of the contract, has no capabilities before it connected, and connects twice with one answer",
    level: "backend",
    needs: [],
    async run(context) {
      const backend = context.newBackend();
      assert.equal(backend.specVersion, 1);
      await refused(async () => backend.capabilities, "invalid_state");
      const first = await backend.connect();
      assert.deepEqual(await backend.connect(), first);
      assert.match(first.platform, /^[a-z]+\/[a-z0-9]+/);
      await backend.close();
      await backend.close();
    },
  },
  {
    id: "create.facts",
    rows: [],
    title: "a container that was made is `created`, has its name and labels, and never ended",
    level: "backend",
    needs: [],
    async run(context) {
      const spec = specOf(context, { labels: { "dev.podkit.test": 'a b=ü,"c"' } });
      const info = await context.backend.create(spec, context.agent);
      for (const seen of [info, await context.backend.inspect(info.id), await context.backend.inspect(spec.name)]) {
        assert.equal(seen.id, info.id);
        assert.equal(seen.name, spec.name);
        assert.equal(seen.state, "created");
        assert.equal(seen.labels["dev.podkit.test"], 'a b=ü,"c"');
        assert.deepEqual([seen.startedAt, seen.finishedAt, seen.exitCode], [null, null, null]);
        assert.ok(Math.abs(seen.createdAt - Date.now()) < 600_000, `createdAt ${seen.createdAt} is not about now`);
      }
    },
  },
  {
    id: "create.name-unique",
    rows: [33],
    title: "row 33: a taken name is `already_exists`, and the first container stays as it is",
    level: "backend",
    needs: [],
    async run(context) {
      const first = await start(context);
      await refused(() => create(context, { name: first.name }), "already_exists");
      const { id, state } = await context.backend.inspect(first.name);
      assert.deepEqual([id, state], [first.id, "running"]);
    },
  },
  {
    id: "create.name-race",
    rows: [33],
    title: "row 33: of eight creations with one name at once exactly one succeeds",
    level: "backend",
    needs: [],
    async run(context) {
      const name = context.newName();
      const all = await Promise.allSettled(Array.from({ length: 8 }, () => create(context, { name })));
      const made = all.filter((one) => one.status === "fulfilled");
      assert.equal(made.length, 1);
      for (const one of all) {
        if (one.status === "rejected") await refused(() => Promise.reject(one.reason), "already_exists");
      }
      const listed = await context.backend.list({ "dev.podkit.prefix": context.prefix });
      assert.equal(listed.length, 1);
    },
  },
  {
    id: "state.idempotent",
    rows: [11],
    title: "row 11: start, stop, kill and remove are fine where it is so already",
    level: "backend",
    needs: [],
    async run(context) {
      const { backend } = context;
      const { id } = await start(context);
      await backend.start(id);
      assert.equal((await backend.inspect(id)).state, "running");
      await backend.stop(id, { graceMs: 5_000 });
      await backend.stop(id);
      await backend.kill(id);
      assert.equal((await backend.inspect(id)).state, "stopped");
      await backend.remove(id);
      await backend.remove(id);
      await refused(() => backend.inspect(id), "not_found");
    },
  },
  {
    id: "state.only-that-one",
    rows: [39],
    title: "row 39: stop, kill and remove touch that container and no other",
    level: "backend",
    needs: [],
    async run(context) {
      const { backend } = context;
      const [a, b, c, d] = await Promise.all([start(context), start(context), start(context), start(context)]);
      await backend.stop(a.id, { graceMs: 5_000 });
      await backend.kill(b.id);
      await backend.remove(c.id);
      const states = await Promise.all([a, b, d].map(async ({ id }) => (await backend.inspect(id)).state));
      assert.deepEqual(states, ["stopped", "stopped", "running"]);
      await refused(() => backend.inspect(c.id), "not_found");
    },
  },
  {
    id: "state.not-found",
    rows: [],
    title: "a container that is not there is `not_found` for every call but remove",
    level: "backend",
    needs: [],
    async run(context) {
      const { backend } = context;
      const name = context.newName();
      await refused(() => backend.inspect(name), "not_found");
      await refused(() => backend.start(name), "not_found");
      await refused(() => backend.stop(name), "not_found");
      await refused(() => backend.kill(name), "not_found");
      await refused(() => backend.openStream(name, ["true"]), "not_found");
      await refused(() => backend.endpoint(name, 80), "not_found");
      await backend.remove(name);
    },
  },
  {
    id: "remove.gone",
    rows: [11],
    title: "row 11: a running container that is removed is gone from lists, and its name is free again",
    level: "backend",
    needs: [],
    async run(context) {
      const { id, name } = await start(context);
      await context.backend.remove(id);
      assert.deepEqual(await context.backend.list({ "dev.podkit.prefix": context.prefix }), []);
      const again = await create(context, { name });
      assert.notEqual(again.id, id);
    },
  },
  {
    id: "exit.codes",
    rows: [42],
    title: "row 42: the exit code of PID 1 is its own; there is none while it runs; a killed one is 137",
    level: "backend",
    needs: [],
    async run(context) {
      const { backend } = context;
      const killed = await start(context);
      assert.deepEqual([killed.state, killed.exitCode, killed.finishedAt], ["running", null, null]);
      await backend.kill(killed.id);
      assert.equal((await backend.inspect(killed.id)).exitCode, 137);
      const asked = await start(context);
      await withAgent(context, asked.id, (agent) => agent.shutdown());
      const ended = await until("the end after shutdown", 30_000, async () => {
        const info = await backend.inspect(asked.id);
        return info.state === "stopped" && info;
      });
      assert.equal(ended.exitCode, 91);
      assert.ok(ended.finishedAt !== null && ended.startedAt !== null && ended.finishedAt >= ended.startedAt);
    },
  },
  {
    id: "exit.program",
    rows: [10],
    title: "row 10: the end of the program is the end of the container, with its code",
    level: "backend",
    needs: ["image:static"],
    async run(context) {
      const argv = initArgv(agentInit({ program: ["/hello", "exit", "7"] }));
      const { id } = await create(context, { image: context.images.static, argv });
      await context.backend.start(id);
      const ended = await until("the program's end", 30_000, async () => {
        const info = await context.backend.inspect(id);
        return info.state === "stopped" && info;
      });
      assert.equal(ended.exitCode, 7);
    },
  },
  {
    id: "restart.files",
    rows: [9],
    title: "row 9: a stopped container starts again with its files, and its agent is a new one",
    level: "backend",
    needs: ["restart"],
    async run(context) {
      const { backend } = context;
      const { id } = await start(context);
      const before = await withAgent(context, id, async (agent) => {
        await agent.files.write("/workspace/kept", "kept");
        return (await agent.connect()).instance;
      });
      await backend.stop(id, { graceMs: 5_000 });
      await backend.start(id);
      await withAgent(context, id, async (agent) => {
        assert.equal((await agent.files.stat("/workspace/kept")).size, 4);
        assert.notEqual((await agent.connect()).instance, before);
      });
    },
  },
  {
    id: "pause.holds",
    rows: [],
    title: "a paused container says so, and goes on where it was",
    level: "backend",
    needs: ["pause"],
    async run(context) {
      const { backend } = context;
      const { id } = await start(context);
      await backend.pause(id);
      await backend.pause(id);
      assert.equal((await backend.inspect(id)).state, "paused");
      await backend.unpause(id);
      await backend.unpause(id);
      assert.equal((await backend.inspect(id)).state, "running");
      await withAgent(context, id, async (agent) => assert.ok((await agent.status()).startedAt > 0));
    },
    async refuse(context) {
      const { id } = await start(context);
      await refused(() => context.backend.pause(id), "unsupported");
      assert.equal((await context.backend.inspect(id)).state, "running");
    },
  },
  {
    id: "list.labels",
    rows: [22, 39],
    title: "rows 22, 39: a list holds the containers that have all of the labels exactly, and no other",
    level: "backend",
    needs: [],
    async run(context) {
      const { backend, prefix } = context;
      const longer = await create(context, {
        labels: { "dev.podkit.prefix": `${prefix}-test`, "dev.podkit.test": "1" },
      });
      try {
        const one = await create(context, { labels: { "dev.podkit.test": "1" } });
        await create(context, { labels: { "dev.podkit.test": "2" } });
        const found = await backend.list({ "dev.podkit.prefix": prefix, "dev.podkit.test": "1" });
        assert.deepEqual(
          found.map(({ id }) => id),
          [one.id],
        );
        assert.equal(found[0]?.name, one.name);
        assert.equal(found[0]?.state, "created");
        assert.equal(found[0]?.labels["dev.podkit.test"], "1");
        assert.equal((await backend.list({ "dev.podkit.prefix": prefix })).length, 2);
      } finally {
        await backend.remove(longer.id);
      }
    },
  },
  {
    id: "autoremove.gone",
    rows: [],
    title: "autoRemove: the container goes when it stops",
    level: "backend",
    needs: ["autoRemove"],
    async run(context) {
      const { id } = await start(context, { autoRemove: true });
      await context.backend.kill(id);
      await until(
        "the removal",
        30_000,
        async () => (await context.backend.list({ "dev.podkit.prefix": context.prefix })).length === 0,
      );
    },
    refuse: refusesSpec({ autoRemove: true }),
  },
];
