import { PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { Collected, clientOf, failure, run, until } from "./support/client.js";
import { HELLO } from "./support/fake-agent.js";
import { FakeClock } from "./support/fake-clock.js";
import { exit, started } from "./support/frames.js";

const ok = { onExec: (exec: { send: (...frames: Uint8Array[]) => void }) => exec.send(started(), exit()) };

describe("connect", () => {
  it("shakes hands and gives what the agent says", async () => {
    const { agent, client } = clientOf();
    expect(await client.connect()).toEqual(HELLO);
    expect(await client.connect()).toEqual(HELLO);
    expect(agent.opens).toBe(1);
  });

  it("takes any minor of the same major", async () => {
    const { client } = clientOf({ hello: { ...HELLO, protocol: { major: 1, minor: 7 }, more: true } });
    expect((await client.connect()).protocol.minor).toBe(7);
  });

  it("refuses another major and names both versions", async () => {
    const { agent, client } = clientOf({ hello: { protocol: { major: 2, minor: 1 }, version: "3.0.0" } });
    const error = await failure(client.connect());
    expect(error).toMatchObject({ code: "invalid_state", retryable: false, details: { reason: "agent_version" } });
    expect(error.message).toMatch(/3\.0\.0 .*2\.1.*0\.1\.0 .*1\.1/);
    await until("the stream was closed", () => agent.stream.destroyed);
    // Trying again over a cut stream does not help either, so it is not tried for the whole grace.
    expect(await failure(client.status())).toMatchObject({ code: "invalid_state" });
    expect(agent.opens).toBe(2);
    const command = client.exec({ argv: ["x"], stdin: false, maxOutputBytes: 1 }, new Collected());
    expect(await failure(command)).toMatchObject({ code: "invalid_state", details: { reason: "agent_version" } });
  });

  it.each([
    ["no object", 1],
    ["no protocol", { ...HELLO, protocol: undefined }],
    ["a protocol in words", { ...HELLO, protocol: "1.0" }],
    ["a version that is no text", { ...HELLO, version: 1 }],
    ["an instance that is no text", { ...HELLO, instance: null }],
    ["an empty instance", { ...HELLO, instance: "" }],
    ["pid 0", { ...HELLO, pid: 0 }],
    ["a uid below 0", { ...HELLO, uid: -1 }],
    ["features that are no list", { ...HELLO, features: "exec" }],
    ["features that are numbers", { ...HELLO, features: [1] }],
    ["thousands of features", { ...HELLO, features: Array.from({ length: 5_000 }, () => "x") }],
    ["a platform of a megabyte", { ...HELLO, platform: "x".repeat(1_000_000) }],
  ])("refuses a hello with %s", async (_, hello) => {
    const { agent, client } = clientOf({ hello });
    expect(await failure(client.connect())).toMatchObject({ code: "internal", details: { reason: "protocol" } });
    await until("the stream was closed", () => agent.stream.destroyed);
  });

  it("is bounded by its deadline and by an abort, and closes what comes too late", async () => {
    let opened = (): void => undefined;
    const { agent, client } = clientOf({
      onOpen: () =>
        new Promise<void>((resolve) => {
          opened = resolve;
        }),
    });
    expect(await failure(client.connect({ timeoutMs: 30 }))).toMatchObject({ code: "timeout" });
    opened();
    await until("the late stream was closed", () => agent.streams.length === 1 && agent.stream.destroyed);
    const controller = new AbortController();
    const connecting = failure(client.connect({ signal: controller.signal }));
    controller.abort();
    expect(await connecting).toMatchObject({ code: "aborted" });
  });

  it("is bounded where the agent says nothing at all", async () => {
    const { agent, client } = clientOf();
    agent.mute = true;
    expect(await failure(client.connect({ timeoutMs: 30 }))).toMatchObject({ code: "timeout" });
    await until("the stream was closed", () => agent.stream.destroyed);
  });

  it("gives the link's own error, and can be tried again", async () => {
    const { agent, client } = clientOf({
      onOpen: (attempt) => {
        if (attempt === 1) throw new PodkitError("not_found", "There is no such container.");
      },
    });
    expect(await failure(client.connect())).toMatchObject({ code: "not_found" });
    await client.connect();
    expect(agent.opens).toBe(2);
  });

  it("says what the stream's end said", async () => {
    const { agent, client } = clientOf();
    agent.mute = true;
    const connecting = failure(client.connect());
    await until("a stream", () => agent.streams.length === 1);
    agent.stream.destroy(new Error("podkit-agent: no socket"));
    const error = await connecting;
    expect(error.code).toBe("unavailable");
    expect(error.message).toContain("podkit-agent: no socket");
  });

  it("is not needed before a call", async () => {
    const { agent, client } = clientOf(ok);
    expect((await run(client)).exit.exitCode).toBe(0);
    expect(agent.opens).toBe(1);
  });
});

describe("the event loop", () => {
  it("is held by calls and commands, and by nothing else", async () => {
    let end = (): void => undefined;
    const { agent, client } = clientOf({
      onExec: (exec) => {
        exec.send(started());
        end = () => exec.send(exit());
      },
    });
    await client.connect();
    expect(agent.stream.held).toBe(false);
    const handle = await client.exec({ argv: ["x"], stdin: false, maxOutputBytes: 1 }, new Collected());
    expect(agent.stream.held).toBe(true);
    const status = client.status({ timeoutMs: 20 }).catch(() => undefined);
    await status;
    expect(agent.stream.held).toBe(true);
    end();
    await handle.wait();
    expect(agent.stream.held).toBe(false);
    agent.cut();
    await until("the cut was seen", () => agent.stream.destroyed);
    expect(agent.opens).toBe(1);
  });

  it("is held over a new connection too, while a command runs", async () => {
    const { agent, client } = clientOf({ onExec: (exec) => exec.send(started()) });
    await client.exec({ argv: ["x"], stdin: false, maxOutputBytes: 1 }, new Collected());
    agent.cut();
    await until("another stream", () => agent.streams.length === 2 && agent.stream.held);
  });
});

describe("a lost connection", () => {
  it("of an idle client is confirmed with the engine, and told once", async () => {
    const { agent, client } = clientOf();
    const gone: PodkitError[] = [];
    const leave = client.onGone((error) => gone.push(error));
    const other: PodkitError[] = [];
    client.onGone((error) => other.push(error));
    await client.connect();
    leave();
    agent.gone = true;
    agent.cut();
    await until("told", () => other.length === 1);
    expect(other[0]).toMatchObject({ code: "unavailable", details: { reason: "gone" } });
    expect(gone).toEqual([]);
  });

  it("of an idle client whose container runs is made again by the next call", async () => {
    const { agent, client } = clientOf(ok);
    await client.connect();
    agent.cut();
    await until("the cut was seen", () => agent.stream.destroyed);
    expect((await run(client)).exit.exitCode).toBe(0);
    expect(agent.opens).toBe(2);
  });

  it("is told at once to calls that wait where the engine cannot say", async () => {
    const { agent, client } = clientOf({ onRequest: () => undefined });
    agent.isGone = () => Promise.reject(new Error("the engine is down"));
    agent.behaviour.onOpen = (attempt) => {
      if (attempt > 1) throw new Error("the engine is down");
    };
    const status = failure(client.status());
    await until("the request", () => agent.requests === 1);
    agent.cut();
    expect(await status).toMatchObject({ code: "unavailable", retryable: true, details: { reason: "unreachable" } });
  });
});

/** Waits until the last ping was answered: then only the timer of the next one is left. */
async function answered(clock: FakeClock): Promise<void> {
  await until("an answer", () => clock.pending <= 1);
}

describe("pings", () => {
  const silent = { argv: ["x"], stdin: false, maxOutputBytes: 1 };

  it("go out only while calls are under way, and cost a short call no timer", async () => {
    const clock = new FakeClock();
    const { agent, client } = clientOf(ok, { clock });
    await client.connect();
    expect(clock.pending).toBe(1);
    for (let n = 0; n < 20; n += 1) await run(client);
    expect(clock.pending).toBe(1);
    const before = agent.pings;
    await clock.pass(60_000);
    expect(agent.pings).toBe(before);
    expect(clock.pending).toBe(0);
  });

  it("find a dead stream, and the command goes on over another one", async () => {
    const clock = new FakeClock();
    const { agent, client } = clientOf({ onExec: (exec) => exec.send(started()) }, { clock });
    await client.exec(silent, new Collected());
    agent.freeze();
    await clock.pass(10_000);
    expect(agent.opens).toBe(1);
    await clock.pass(5_000);
    await until("another stream", () => agent.opens === 2);
  });

  it("keep a healthy stream", async () => {
    const clock = new FakeClock();
    const { agent, client } = clientOf({ onExec: (exec) => exec.send(started()) }, { clock });
    await client.exec(silent, new Collected());
    for (let n = 0; n < 10; n += 1) {
      await clock.pass(10_000);
      await answered(clock);
      expect(agent.pings).toBe(n + 1);
    }
    expect(agent.opens).toBe(1);
  });

  it("stand still while the container is paused, and so do deadlines", async () => {
    const clock = new FakeClock();
    const { agent, client } = clientOf(
      { onExec: (exec) => exec.send(started()), onRequest: () => undefined },
      { clock },
    );
    await client.exec(silent, new Collected());
    const status = failure(client.status({ timeoutMs: 8_000 }));
    await until("the request", () => agent.requests === 1);
    client.suspend();
    agent.freeze();
    await clock.pass(3_600_000);
    expect(agent.opens).toBe(1);
    agent.thaw();
    client.resumeLink();
    await clock.pass(1_000);
    expect(agent.opens).toBe(1);
    await clock.pass(8_000);
    expect(await status).toMatchObject({ code: "timeout" });
  });

  it("wait for the end of a pause that the link found, however long it is", async () => {
    const clock = new FakeClock();
    let thaw = (): void => undefined;
    const { agent, client } = clientOf(
      {
        onExec: (exec) => exec.send(started()),
        onOpen: async (attempt) => {
          if (attempt === 1) return;
          client.suspend();
          await new Promise<void>((resolve) => {
            thaw = resolve;
          });
          client.resumeLink();
        },
      },
      { clock },
    );
    const handle = await client.exec(silent, new Collected());
    agent.freeze();
    await clock.pass(10_000);
    await clock.pass(5_000);
    await until("the second attempt", () => agent.opens === 2);
    for (let n = 0; n < 100; n += 1) await clock.pass(60_000);
    agent.behaviour.onExec = (exec) => exec.send(started(), exit());
    thaw();
    expect((await handle.wait()).exitCode).toBe(0);
    expect(agent.opens).toBe(2);
  });

  it("give up a command that the agent does not start", async () => {
    const clock = new FakeClock();
    let came = 0;
    const onExec = (): void => {
      came += 1;
    };
    const { client } = clientOf({ onExec }, { clock });
    const never = failure(client.exec(silent, new Collected()));
    await until("the command came", () => came === 1);
    for (let n = 0; n < 3; n += 1) {
      await clock.pass(10_000);
      await answered(clock);
    }
    await clock.pass(10_000);
    expect(await never).toMatchObject({ code: "internal", details: { reason: "overdue" } });
  });

  it("give up a command that the agent does not end at its deadline", async () => {
    const clock = new FakeClock();
    const { client } = clientOf({ onExec: (exec) => exec.send(started()) }, { clock });
    const handle = await client.exec({ ...silent, timeoutMs: 1_000 }, new Collected());
    const end = failure(handle.wait());
    for (let n = 0; n < 2; n += 1) {
      await clock.pass(10_000);
      await answered(clock);
    }
    await clock.pass(10_000);
    expect(await end).toMatchObject({ code: "internal", details: { reason: "overdue" } });
  });
});
