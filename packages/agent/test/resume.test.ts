import { describe, expect, it } from "vitest";
import { FRAME } from "../src/frames.js";
import { CAPTURE, Collected, clientOf, failure, run, STREAM, until } from "./support/client.js";
import { HELLO } from "./support/fake-agent.js";
import { FakeCommand } from "./support/fake-command.js";
import { exit, started, stdout } from "./support/frames.js";
import { Random } from "./support/random.js";

const OUTPUT = { stdout: "The quick brown fox jumps over the lazy dog.\n", stderr: "and says so\n" };

/** Runs the command with its first stream cut after so many bytes, and gives the offset of the last attach. */
async function runCutAt(budget: number): Promise<number | undefined> {
  const command = new FakeCommand(OUTPUT);
  const { agent, client } = clientOf({ onExec: command.serve }, { reconnectGraceMs: 3_000 });
  agent.budgets.push(budget);
  const sinks = new Collected();
  const { exit: end } = await run(client, STREAM, sinks);
  expect([budget, end.exitCode, sinks.text, sinks.errorText]).toEqual([budget, 0, OUTPUT.stdout, OUTPUT.stderr]);
  return command.attached.at(-1)?.stdout;
}

describe("a command whose stream is cut", () => {
  it("goes on from its offsets, wherever the cut is", async () => {
    const command = new FakeCommand(OUTPUT);
    const whole = clientOf({ onExec: command.serve });
    await whole.client.connect();
    const [server] = whole.agent.ours;
    const handshake = server?.sent ?? 0;
    await run(whole.client, STREAM);
    const total = server?.sent ?? 0;
    expect(total - handshake).toBeGreaterThan(200);
    // Each byte of the command's stream; of the handshake before it every sixteenth.
    const budgets = Array.from({ length: total }, (_, index) => index + 1).filter(
      (n) => n >= handshake || n % 16 === 0,
    );
    const offsets: (number | undefined)[] = [];
    while (budgets.length > 0) offsets.push(...(await Promise.all(budgets.splice(0, 50).map(runCutAt))));
    // Some cuts came before any output, some in the middle of it, and some behind EXIT.
    expect(new Set(offsets).size).toBeGreaterThan(20);
  }, 30_000);

  it("goes on when it is cut again and again, with stdin under way", async () => {
    const random = new Random(5);
    const input = random.bytes(200_000);
    for (let round = 0; round < 4; round += 1) {
      const command = new FakeCommand({ ...OUTPUT, waitForStdin: true });
      const { agent, client } = clientOf({ onExec: command.serve }, { reconnectGraceMs: 3_000 });
      const sinks = new Collected();
      const handle = await client.exec({ ...STREAM, stdin: true }, sinks);
      let written = 0;
      for (const piece of random.pieces(input, 30_000)) {
        await handle.writeStdin(piece);
        written += 1;
        if (written % 4 !== 0) continue;
        const { opens } = agent;
        agent.cut();
        await until("another stream", () => agent.opens > opens);
      }
      await handle.closeStdin();
      expect((await handle.wait()).exitCode).toBe(0);
      expect(Buffer.concat(command.stdin).equals(input)).toBe(true);
      expect(sinks.text).toBe(OUTPUT.stdout);
      expect(agent.errors).toEqual([]);
      expect(command.attached.length).toBeGreaterThan(2);
    }
  }, 30_000);

  it.each([0, 2, 8])(
    "goes on when only its own stream is reset with code %i, without a new connection",
    async (code) => {
      let streams = 0;
      const { agent, client } = clientOf({
        onExec: (exec) => {
          streams += 1;
          if (streams > 1) return exec.send(started(), stdout(3, "def"), exit({ stdoutBytes: 6 }));
          exec.send(started(), stdout(0, "abc"));
          setImmediate(() => (code === 0 ? exec.stream.end() : exec.stream.close(code)));
        },
      });
      const sinks = new Collected();
      await run(client, STREAM, sinks);
      expect(sinks.text).toBe("abcdef");
      expect(agent.opens).toBe(1);
    },
  );

  it("is never taken for ended by a response that only stops", async () => {
    const { client } = clientOf({
      onExec: (exec) => {
        exec.send(started());
        exec.stream.end();
      },
    });
    const handle = await client.exec(CAPTURE, new Collected());
    expect(await failure(handle.wait())).toMatchObject({ code: "exec_lost", retryable: false });
  });

  it("sends the same id again, and one SPEC with the new offsets", async () => {
    const ids: string[] = [];
    const command = new FakeCommand(OUTPUT);
    const { agent, client } = clientOf({
      onExec: (exec) => {
        ids.push(exec.id);
        return command.serve(exec);
      },
    });
    agent.budgets.push(400);
    await run(client, STREAM);
    expect(ids).toHaveLength(2);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
    expect(command.attached[0]).toEqual({ stdout: 0, stderr: 0 });
  });

  it("shares one new connection with all others", async () => {
    const commands = new Map<string, FakeCommand>();
    const { agent, client } = clientOf({
      onExec: (exec) => {
        const command = commands.get(exec.id) ?? new FakeCommand({ ...OUTPUT, waitForStdin: true });
        commands.set(exec.id, command);
        return command.serve(exec);
      },
    });
    const handles = await Promise.all(
      Array.from({ length: 50 }, () => client.exec({ ...STREAM, stdin: true }, new Collected())),
    );
    agent.cut();
    await Promise.all(handles.map((handle) => handle.closeStdin()));
    const ends = await Promise.all(handles.map((handle) => handle.wait()));
    expect(ends.every((end) => end.exitCode === 0)).toBe(true);
    expect(agent.opens).toBe(2);
  });

  it("gets signals that were sent while there was no stream, and SIGKILL over each further one", async () => {
    const command = new FakeCommand({ ...OUTPUT, waitForStdin: true });
    const { agent, client } = clientOf({ onExec: command.serve });
    const handle = await client.exec({ ...STREAM, stdin: true }, new Collected());
    agent.cut();
    await until("the cut was seen", () => agent.stream.destroyed);
    await handle.kill();
    await handle.kill("SIGKILL");
    await until("both came", () => command.controls.length === 2);
    agent.cut();
    await until("a third stream", () => command.controls.length === 3);
    await handle.closeStdin();
    await handle.wait();
    const kill = `${FRAME.signal}:{"signal":"KILL","tree":true}`;
    expect([...command.controls].sort()).toEqual([kill, kill, `${FRAME.signal}:{"signal":"TERM","tree":false}`].sort());
  });
});

describe("a command that cannot be resumed", () => {
  it("is lost at once where the engine confirms that the container is gone", async () => {
    const { agent, client } = clientOf({ onExec: (exec) => exec.send(started()) }, { reconnectGraceMs: 60_000 });
    const gone: unknown[] = [];
    client.onGone((error) => gone.push(error));
    const handle = await client.exec(CAPTURE, new Collected());
    agent.gone = true;
    agent.cut();
    const before = Date.now();
    expect(await failure(handle.wait())).toMatchObject({
      code: "exec_lost",
      retryable: false,
      details: { reason: "gone" },
    });
    expect(Date.now() - before).toBeLessThan(1_000);
    expect(gone).toHaveLength(1);
    expect(await failure(client.exec(CAPTURE, new Collected()))).toMatchObject({ code: "exec_lost", retryable: true });
    expect(await failure(client.status())).toMatchObject({
      code: "unavailable",
      retryable: true,
      details: { reason: "gone" },
    });
    expect(gone).toHaveLength(1);
  });

  it("is lost at once also where opening a stream hangs", async () => {
    let hang = false;
    const { agent, client } = clientOf(
      { onExec: (exec) => exec.send(started()), onOpen: () => (hang ? new Promise(() => undefined) : undefined) },
      { reconnectGraceMs: 60_000 },
    );
    const handle = await client.exec(CAPTURE, new Collected());
    hang = true;
    agent.gone = true;
    agent.cut();
    expect(await failure(handle.wait())).toMatchObject({ code: "exec_lost", details: { reason: "gone" } });
  });

  it("is lost when the grace is over", async () => {
    let refuse = false;
    const { agent, client } = clientOf({
      onExec: (exec) => exec.send(started()),
      onOpen: () => {
        if (refuse) throw new Error("the engine does not answer");
      },
    });
    const gone: unknown[] = [];
    client.onGone((error) => gone.push(error));
    const handle = await client.exec(CAPTURE, new Collected());
    refuse = true;
    agent.cut();
    const error = await failure(handle.wait());
    expect(error).toMatchObject({ code: "exec_lost", retryable: false, details: { reason: "unreachable" } });
    expect(error.message).toContain("the engine does not answer");
    expect(agent.opens).toBeGreaterThan(3);
    expect(gone).toHaveLength(1);
  });

  it("is retryable only where it never left", async () => {
    const { client } = clientOf({
      onOpen: () => {
        throw new Error("no");
      },
    });
    expect(await failure(client.exec(CAPTURE, new Collected()))).toMatchObject({ code: "exec_lost", retryable: true });
    const second = clientOf({ onExec: () => second.agent.cut() });
    second.agent.behaviour.onOpen = (attempt) => {
      if (attempt > 1) throw new Error("no");
    };
    expect(await failure(second.client.exec(CAPTURE, new Collected()))).toMatchObject({
      code: "exec_lost",
      retryable: false,
    });
  });

  it.each([404, 410])("is lost where the agent answers %i to an attach", async (status) => {
    let streams = 0;
    const { agent, client } = clientOf({
      onExec: (exec) => {
        streams += 1;
        if (streams === 1) return exec.send(started(), stdout(0, "abc"));
        exec.stream.respond({ ":status": status });
        exec.stream.end(JSON.stringify({ code: status === 404 ? "not_found" : "exec_lost", message: "not here" }));
      },
    });
    const sinks = new Collected();
    const handle = await client.exec(STREAM, sinks);
    await until("output", () => sinks.text === "abc");
    agent.cut();
    expect(await failure(handle.wait())).toMatchObject({
      code: "exec_lost",
      retryable: false,
      details: { reason: "released" },
    });
  });

  it("is lost where the container was restarted meanwhile, and is not started there again", async () => {
    let execs = 0;
    const { agent, client } = clientOf({
      onExec: (exec) => {
        execs += 1;
        exec.send(started());
      },
    });
    const handle = await client.exec(CAPTURE, new Collected());
    agent.behaviour.hello = { ...HELLO, instance: "another" };
    agent.cut();
    expect(await failure(handle.wait())).toMatchObject({
      code: "exec_lost",
      retryable: false,
      details: { reason: "restarted" },
    });
    expect(execs).toBe(1);
    const next = await client.exec(CAPTURE, new Collected());
    expect(next.pid).toBe(7);
  });

  it("is given up where every stream ends without EXIT for the whole grace", async () => {
    let streams = 0;
    const { client } = clientOf({
      onExec: (exec) => {
        streams += 1;
        exec.send(started());
        exec.stream.end();
      },
    });
    const handle = await client.exec(CAPTURE, new Collected());
    expect(await failure(handle.wait())).toMatchObject({ code: "exec_lost", details: { reason: "unreachable" } });
    expect(streams).toBeLessThan(20);
  });

  it("is lost where the client is closed", async () => {
    const { client } = clientOf({ onExec: (exec) => exec.send(started()) });
    const handle = await client.exec(CAPTURE, new Collected());
    await client.close();
    expect(await failure(handle.wait())).toMatchObject({ code: "exec_lost", details: { reason: "closed" } });
    expect(await failure(client.status())).toMatchObject({ code: "invalid_state", details: { reason: "closed" } });
    expect(await failure(client.exec(CAPTURE, new Collected()))).toMatchObject({ code: "invalid_state" });
  });
});
