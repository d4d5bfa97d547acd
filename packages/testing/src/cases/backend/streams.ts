import assert from "node:assert/strict";
import { once } from "node:events";
import { connectArgv, initArgv } from "@podkit/agent";
import { type BackendEvent, type ByteStream, PodkitError } from "@podkit/core";
import { collect, refused, until, within } from "../../conformance/tools.js";
import type { BackendCase, BackendContext } from "../../conformance/types.js";
import { agentInit, create, run, specOf, start, withAgent } from "./tools.js";

/** Waits for the end of a stream; gives its error where it had one. */
async function endOf(stream: ByteStream): Promise<unknown> {
  let failure: unknown = null;
  stream.on("error", (error) => {
    failure = error;
  });
  stream.resume();
  if (!stream.closed) await within("the end of the stream", 30_000, once(stream, "close"));
  return failure;
}

async function logText(context: BackendContext, id: string, tail?: number): Promise<string> {
  const chunks = await collect(context.backend.logs(id, tail === undefined ? {} : { tail }));
  return Buffer.concat(chunks.map(({ data }) => data)).toString();
}

/** A container whose program says a line and ends. */
async function spoken(context: BackendContext, text: string): Promise<string> {
  const argv = initArgv(agentInit({ program: ["/hello", text] }));
  const { id } = await create(context, { image: context.images.static, argv });
  await context.backend.start(id);
  await until("the program's end", 30_000, async () => (await context.backend.inspect(id)).state === "stopped");
  return id;
}

/** Streams to a program, logs and events. */
export const streamCases: readonly BackendCase[] = [
  {
    id: "stream.agent",
    rows: [1],
    title: "row 1: the agent answers over a stream, and over several at once",
    level: "backend",
    needs: [],
    async run(context) {
      const { id } = await start(context);
      const hellos = await Promise.all(
        [1, 2, 3].map(() => withAgent(context, id, async (agent) => (await agent.connect()).instance)),
      );
      assert.equal(new Set(hellos).size, 1);
    },
  },
  {
    id: "stream.exec",
    rows: [1, 4, 42],
    title: "rows 1, 4, 42: exit codes come through as they are; a missing program is 127",
    level: "backend",
    needs: [],
    async run(context) {
      const { id } = await start(context);
      await withAgent(context, id, async (agent) => {
        const echo = await run(agent, ["echo", "hello"]);
        assert.deepEqual([echo.exitCode, echo.signal, echo.stdout, echo.stderr], [0, null, "hello\n", ""]);
        assert.equal((await run(agent, ["false"])).exitCode, 1);
        const missing = await run(agent, ["/no/such/program"]);
        assert.equal(missing.exitCode, 127);
        assert.notEqual(missing.stderr, "");
      });
    },
  },
  {
    id: "stream.closes-on-kill",
    rows: [41],
    title: "row 41: a stream ends within seconds when its container is killed",
    level: "backend",
    needs: [],
    async run(context) {
      const { id } = await start(context);
      const stream = await context.backend.openStream(id, connectArgv());
      await context.backend.kill(id);
      await endOf(stream);
    },
  },
  {
    id: "stream.failure-is-told",
    rows: [41],
    title: "row 41: a program that cannot be started is an error or an error on the stream, and no empty end",
    level: "backend",
    needs: [],
    async run(context) {
      const { id } = await start(context);
      let failure: unknown;
      try {
        failure = await endOf(await context.backend.openStream(id, ["/no/such/program"]));
      } catch (error) {
        failure = error;
      }
      assert.ok(PodkitError.is(failure), `a PodkitError was expected, and it was ${String(failure)}`);
    },
  },
  {
    id: "stream.not-running",
    rows: [],
    title: "a container that does not run has no streams: `invalid_state`",
    level: "backend",
    needs: [],
    async run(context) {
      const { id } = await create(context);
      await refused(() => context.backend.openStream(id, connectArgv()), "invalid_state");
      await context.backend.start(id);
      await context.backend.stop(id, { graceMs: 5_000 });
      await refused(() => context.backend.openStream(id, connectArgv()), "invalid_state");
    },
  },
  {
    id: "exec.lost",
    rows: [41, 42],
    title: "rows 41, 42: a command whose container is killed is `exec_lost` within 5 s, never a code",
    level: "backend",
    needs: [],
    async run(context) {
      const { id } = await start(context);
      await withAgent(context, id, async (agent) => {
        const sinks = { onStdout: () => undefined, onStderr: () => undefined };
        const handle = await agent.exec({ argv: ["sleep", "60"], stdin: false, maxOutputBytes: 1024 }, sinks);
        const ended = refused(() => handle.wait(), "exec_lost");
        await context.backend.kill(id);
        await within("the command's end", 5_000, ended);
      });
    },
  },
  {
    id: "logs.whole",
    rows: [14, 21],
    title: "rows 14, 21: what PID 1's program wrote is in the logs, also after its end; `tail` gives the last lines",
    level: "backend",
    needs: ["image:static"],
    async run(context) {
      const id = await spoken(context, "first\nsecond\nthird");
      assert.match(await logText(context, id), /first\nsecond\nthird\n/);
      assert.equal((await logText(context, id, 1)).trim(), "third");
    },
  },
  {
    id: "logs.failure-is-told",
    rows: [21],
    title: "row 21: logs that cannot be had are an error, and not empty",
    level: "backend",
    needs: [],
    async run(context) {
      await refused(() => collect(context.backend.logs(context.newName())), "not_found");
    },
  },
  {
    id: "logs.follow",
    rows: [],
    title: "followed logs end with the container",
    level: "backend",
    needs: [],
    async run(context) {
      const { id } = await start(context);
      const followed = collect(context.backend.logs(id, { follow: true }));
      await context.backend.kill(id);
      await within("the end of the logs", 30_000, followed);
    },
  },
  {
    id: "logs.abort",
    rows: [53],
    title: "row 53: followed logs end at once with `aborted` when their caller aborts",
    level: "backend",
    needs: [],
    async run(context) {
      const { id } = await start(context);
      const caller = new AbortController();
      const followed = refused(
        () => collect(context.backend.logs(id, { follow: true, signal: caller.signal })),
        "aborted",
      );
      setTimeout(() => caller.abort(), 100);
      await within("the end of the logs", 30_000, followed);
      assert.equal((await context.backend.inspect(id)).state, "running");
    },
  },
  {
    id: "create.abort",
    rows: [53],
    title: "row 53: a call whose signal was given already is `aborted` and does nothing",
    level: "backend",
    needs: [],
    async run(context) {
      const { backend, agent } = context;
      const signal = AbortSignal.abort();
      await refused(() => backend.create(specOf(context), agent, { signal }), "aborted");
      assert.deepEqual(await backend.list({ "dev.podkit.prefix": context.prefix }), []);
      const { id } = await start(context);
      await refused(() => backend.stop(id, { signal }), "aborted");
      await refused(() => backend.remove(id, { signal }), "aborted");
      await refused(() => backend.openStream(id, connectArgv(), { signal }), "aborted");
      assert.equal((await backend.inspect(id)).state, "running");
    },
  },
  {
    id: "events.order",
    rows: [29],
    title: "row 29: events come in order, with ids, for containers with the labels alone, and end at an abort",
    level: "backend",
    needs: ["events"],
    async run(context) {
      const { backend, prefix } = context;
      const caller = new AbortController();
      const seen: BackendEvent[] = [];
      const labels = { "dev.podkit.prefix": prefix, "dev.podkit.test": "events" };
      const watching = (async () => {
        for await (const event of backend.events(labels, { signal: caller.signal })) seen.push(event);
      })().catch((error: unknown) => {
        if (!PodkitError.is(error, "aborted")) throw error;
      });
      // There is no word of when an engine begins to watch: containers are made until one is seen.
      await until("the first event", 30_000, async () => {
        await create(context, { labels });
        return seen.length > 0;
      });
      await create(context, { labels: { "dev.podkit.test": "other" } });
      const { id, name } = await start(context, { labels });
      await backend.kill(id);
      await backend.remove(id);
      const mine = await until("all events", 30_000, async () => {
        const found = seen.filter((event) => event.id === id);
        return found.some(({ type }) => type === "removed") && found;
      });
      assert.deepEqual(
        mine.map(({ type }) => type),
        ["created", "started", "stopped", "removed"],
      );
      assert.ok(mine.every((event) => event.name === name && event.at > 0));
      assert.equal(mine[2]?.exitCode, 137);
      const others = await backend.list({ "dev.podkit.prefix": prefix, "dev.podkit.test": "other" });
      assert.ok(!seen.some((event) => others.some((other) => other.id === event.id)), "an event of another label came");
      caller.abort();
      await within("the end of the events", 30_000, watching);
    },
    async refuse(context) {
      await refused(() => collect(context.backend.events({})), "unsupported");
    },
  },
  {
    id: "stats.read",
    rows: [],
    title: "stats tell memory and processes of a running container",
    level: "backend",
    needs: ["stats"],
    async run(context) {
      const { id } = await start(context);
      const stats = await context.backend.stats(id);
      assert.ok(stats.memoryBytes > 0 && stats.cpuNanos > 0 && stats.pids > 0, JSON.stringify(stats));
    },
    async refuse(context) {
      const { id } = await start(context);
      await refused(() => context.backend.stats(id), "unsupported");
    },
  },
];
