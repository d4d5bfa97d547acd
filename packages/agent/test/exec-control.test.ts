import { describe, expect, it } from "vitest";
import { FRAME } from "../src/frames.js";
import { CAPTURE, Collected, clientOf, failure, STREAM, until } from "./support/client.js";
import type { FakeExec } from "./support/fake-agent.js";
import type { ClientFrame } from "./support/frames.js";
import { exit, started, stdinAck, stdout } from "./support/frames.js";

const MIB = 1024 * 1024;

/** Takes all frames of a command and keeps them. */
function recorder(first: readonly Uint8Array[] = [started()]): {
  frames: ClientFrame[];
  exec: () => FakeExec;
  onExec: (exec: FakeExec) => Promise<void>;
} {
  const frames: ClientFrame[] = [];
  let current: FakeExec | undefined;
  return {
    frames,
    exec: () => {
      if (current === undefined) throw new Error("no command came");
      return current;
    },
    async onExec(exec) {
      current = exec;
      await exec.next();
      exec.send(...first);
      for (let frame = await exec.next(); frame !== undefined; frame = await exec.next()) frames.push(frame);
    },
  };
}

const bytesOf = (frames: readonly ClientFrame[]): number =>
  frames.filter(({ type }) => type === FRAME.stdin).reduce((sum, { payload }) => sum + payload.length - 8, 0);

describe("stdin", () => {
  it("waits at 1 MiB that was not acknowledged, and goes on with each acknowledgement", async () => {
    const { frames, exec, onExec } = recorder();
    const { client } = clientOf({ onExec });
    const handle = await client.exec({ ...STREAM, stdin: true }, new Collected());
    let settled = false;
    const writing = handle.writeStdin(Buffer.alloc(2.5 * MIB)).then(() => {
      settled = true;
    });
    await until("the window is full", () => bytesOf(frames) === MIB);
    exec().send(stdinAck(MIB / 2));
    await until("half a window more", () => bytesOf(frames) === 1.5 * MIB);
    expect(settled).toBe(false);
    exec().send(stdinAck(1.5 * MIB));
    await writing;
    expect(frames.every(({ payload }) => payload.length <= MIB)).toBe(true);
    await handle.closeStdin();
    await handle.closeStdin();
    await until("the end", () => frames.some(({ type }) => type === FRAME.stdinEof));
    expect(frames.at(-1)?.payload.readBigUInt64BE()).toBe(BigInt(2.5 * MIB));
    expect(bytesOf(frames)).toBe(2.5 * MIB);
    expect(await failure(handle.writeStdin(Buffer.of(1)))).toMatchObject({ code: "invalid_state" });
  });

  it("keeps its own copy of what it may have to send again", async () => {
    const { frames, onExec } = recorder();
    const { agent, client } = clientOf({ onExec });
    const handle = await client.exec({ ...STREAM, stdin: true }, new Collected());
    const chunk = Buffer.from("abc");
    await handle.writeStdin(chunk);
    chunk.fill("x");
    agent.cut();
    await until("sent again", () => frames.length >= 2 || (agent.opens > 1 && frames.length >= 1));
    expect(frames.map(({ payload }) => String(payload.subarray(8)))).not.toContain("xxx");
  });

  it("resolves quietly where the command ends without reading", async () => {
    const { exec, onExec } = recorder();
    const { client } = clientOf({ onExec });
    const handle = await client.exec({ ...STREAM, stdin: true }, new Collected());
    const writing = handle.writeStdin(Buffer.alloc(2 * MIB));
    exec().send(exit());
    expect((await handle.wait()).exitCode).toBe(0);
    await writing;
    await handle.writeStdin(Buffer.alloc(10));
    await handle.closeStdin();
  });

  it("rejects where the command is lost", async () => {
    const { agent, client } = clientOf({ onExec: recorder().onExec });
    const handle = await client.exec({ ...STREAM, stdin: true }, new Collected());
    const writing = failure(handle.writeStdin(Buffer.alloc(2 * MIB)));
    agent.gone = true;
    agent.cut();
    expect(await writing).toMatchObject({ code: "exec_lost" });
  });

  it("is refused where the command has none", async () => {
    const { client } = clientOf({ onExec: recorder().onExec });
    const handle = await client.exec(STREAM, new Collected());
    expect(await failure(handle.writeStdin(Buffer.of(1)))).toMatchObject({ code: "invalid_state" });
  });
});

describe("a sink's promise", () => {
  it("holds its own command back and no other, and is acknowledged once it settled", async () => {
    const { frames, exec, onExec } = recorder();
    const other = recorder([started(), stdout(0, "quick"), exit({ stdoutBytes: 5 })]);
    let calls = 0;
    const { client } = clientOf({ onExec: (each) => (calls++ === 0 ? onExec(each) : other.onExec(each)) });
    let release = (): void => undefined;
    let received = 0;
    let held = 0;
    const handle = await client.exec(STREAM, {
      onStdout: (chunk) => {
        received += chunk.length;
        held += 1;
        return new Promise<void>((settle) => {
          release = () => {
            held -= 1;
            settle();
          };
        });
      },
      onStderr: () => undefined,
    });
    for (let at = 0; at < 4 * MIB; at += 256 * 1024) exec().send(stdout(at, Buffer.alloc(256 * 1024)));
    exec().send(exit({ stdoutBytes: 4 * MIB }));
    await until("the first piece", () => received > 0);
    const first = received;
    const quick = new Collected();
    const second = await client.exec(CAPTURE, quick);
    await second.wait();
    expect(quick.text).toBe("quick");
    expect(received).toBe(first);
    expect(frames).toEqual([]);
    while (received < 4 * MIB) {
      expect(held).toBe(1);
      release();
      const before = received;
      await until("the next piece", () => received > before);
    }
    release();
    expect((await handle.wait()).exitCode).toBe(0);
    const acks = frames
      .filter(({ type }) => type === FRAME.ack)
      .map(({ payload }) => Number(payload.readBigUInt64BE()));
    expect(acks.length).toBeGreaterThanOrEqual(8);
    expect([...acks].sort((a, b) => a - b)).toEqual(acks);
    expect(acks.at(-1)).toBeGreaterThan(3.5 * MIB);
  });

  it("goes on over a cut: nothing is lost, nothing comes twice", async () => {
    let streams = 0;
    let answers = 0;
    const { agent, client } = clientOf({
      onExec: async (exec) => {
        streams += 1;
        const { stdout: from } = JSON.parse(String((await exec.next())?.payload)) as { stdout: number };
        exec.send(started());
        for (let at = from; at < 10; at += 1) exec.send(stdout(at, String(at)));
        exec.send(exit({ stdoutBytes: 10 }));
        answers += 1;
      },
    });
    let text = "";
    let release = (): void => undefined;
    let held = 0;
    let most = 0;
    const handle = await client.exec(STREAM, {
      onStdout: (chunk) => {
        text += String(Buffer.from(chunk));
        held += 1;
        most = Math.max(most, held);
        return new Promise<void>((settle) => {
          release = () => {
            held = 0;
            settle();
          };
        });
      },
      onStderr: () => undefined,
    });
    const done = handle.wait();
    await until("the first piece", () => text === "0");
    agent.cut();
    await until("the second stream", () => streams === 2);
    await until("it says something", () => answers === 2);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((settle) => setImmediate(settle));
    const pump = setInterval(() => release(), 1);
    await done;
    clearInterval(pump);
    expect(text).toBe("0123456789");
    expect(most).toBe(1);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("full");
      },
    ],
    ["rejects", () => Promise.reject(new Error("full"))],
  ])("that %s ends the command", async (_, onStdout) => {
    const { frames, exec, onExec } = recorder([started(), stdout(0, "x")]);
    const { agent, client } = clientOf({ onExec });
    const handle = await client.exec(STREAM, { onStdout, onStderr: () => undefined });
    const error = await failure(handle.wait());
    expect(error).toMatchObject({ code: "internal", details: { reason: "output_callback" } });
    expect(error.message).toContain("full");
    await until("CANCEL", () => frames.some(({ type }) => type === FRAME.cancel));
    exec().send(stdout(1, "y"), exit({ exitCode: null, signal: "KILL", stdoutBytes: 2 }));
    await until("RELEASE", () => frames.some(({ type }) => type === FRAME.release));
    expect(agent.opens).toBe(1);
  });

  it("acknowledges nothing of a capture, which the agent keeps anyway", async () => {
    const { frames, exec, onExec } = recorder();
    const { client } = clientOf({ onExec });
    const handle = await client.exec({ ...CAPTURE, maxOutputBytes: 8 * MIB }, new Collected());
    for (let at = 0; at < 2 * MIB; at += 256 * 1024) exec().send(stdout(at, Buffer.alloc(256 * 1024)));
    exec().send(exit({ stdoutBytes: 2 * MIB }));
    await handle.wait();
    await until("RELEASE", () => frames.length > 0);
    expect(frames.map(({ type }) => type)).toEqual([FRAME.release]);
  });
});

describe("an abort", () => {
  it("before the call sends nothing", async () => {
    const { agent, client } = clientOf();
    const error = await failure(client.exec(CAPTURE, new Collected(), { signal: AbortSignal.abort() }));
    expect([error.code, agent.opens]).toEqual(["aborted", 0]);
  });

  it("before STARTED rejects at once and sends CANCEL", async () => {
    const { frames, exec, onExec } = recorder([]);
    const { client } = clientOf({ onExec });
    const controller = new AbortController();
    const starting = failure(client.exec(CAPTURE, new Collected(), { signal: controller.signal }));
    await until("the command came", () => {
      try {
        return exec() !== undefined;
      } catch {
        return false;
      }
    });
    controller.abort();
    expect(await starting).toMatchObject({ code: "aborted" });
    await until("CANCEL", () => frames.some(({ type }) => type === FRAME.cancel));
  });

  it("after STARTED rejects wait() at once, sends CANCEL, and RELEASE after EXIT", async () => {
    const { frames, exec, onExec } = recorder();
    const { agent, client } = clientOf({ onExec });
    const controller = new AbortController();
    const sinks = new Collected();
    const handle = await client.exec(STREAM, sinks, { signal: controller.signal });
    controller.abort(new Error("enough"));
    expect(await failure(handle.wait())).toMatchObject({ code: "aborted" });
    // A program that ends now would leave the command running.
    expect(agent.stream.held).toBe(true);
    exec().send(stdout(0, "late"), exit({ exitCode: null, signal: "KILL", stdoutBytes: 4 }));
    await until("RELEASE", () => frames.some(({ type }) => type === FRAME.release));
    expect(frames[0]?.type).toBe(FRAME.cancel);
    expect(sinks.text).toBe("");
    expect(agent.stream.held).toBe(false);
  });

  it("while the stream is cut still reaches the agent", async () => {
    const { frames, onExec } = recorder();
    const { agent, client } = clientOf({ onExec });
    const controller = new AbortController();
    const handle = await client.exec(STREAM, new Collected(), { signal: controller.signal });
    agent.cut();
    controller.abort();
    expect(await failure(handle.wait())).toMatchObject({ code: "aborted" });
    await until("CANCEL", () => frames.some(({ type }) => type === FRAME.cancel));
  });

  it("after the end does nothing", async () => {
    const { frames, onExec } = recorder([started(), exit()]);
    const { client } = clientOf({ onExec });
    const controller = new AbortController();
    const handle = await client.exec(STREAM, new Collected(), { signal: controller.signal });
    await handle.wait();
    controller.abort();
    expect((await handle.wait()).exitCode).toBe(0);
    await until("RELEASE", () => frames.length > 0);
    expect(frames.map(({ type }) => type)).toEqual([FRAME.release]);
  });
});

describe("signals and sizes", () => {
  it("are frames; bad ones are refused before anything is sent", async () => {
    const { frames, onExec } = recorder();
    const { client } = clientOf({ onExec });
    const handle = await client.exec({ ...STREAM, pty: { columns: 80, rows: 24 } }, new Collected());
    await handle.kill("HUP");
    await handle.kill("SIGKILL");
    await handle.resize({ columns: 100, rows: 65_535 });
    await until("three frames", () => frames.length === 3);
    expect(
      frames.map(({ type, payload }) => `${type} ${type === FRAME.signal ? payload : payload.toString("hex")}`),
    ).toEqual([
      `${FRAME.signal} {"signal":"HUP","tree":false}`,
      `${FRAME.signal} {"signal":"KILL","tree":true}`,
      `${FRAME.resize} 0064ffff`,
    ]);
    for (const signal of ["", "NOPE", "SIG", "TERM\n", "sigterm"])
      expect(await failure(handle.kill(signal))).toMatchObject({ code: "invalid_argument" });
    for (const columns of [0, -1, 1.5, 65_536, Number.NaN]) {
      expect(await failure(handle.resize({ columns, rows: 1 }))).toMatchObject({ code: "invalid_argument" });
    }
    expect(frames).toHaveLength(3);
  });

  it("need a terminal to be resized, and are fine after the end", async () => {
    const { client } = clientOf({ onExec: recorder([started(), exit()]).onExec });
    const handle = await client.exec(STREAM, new Collected());
    await handle.wait();
    await handle.kill();
    expect(await failure(handle.resize({ columns: 1, rows: 1 }))).toMatchObject({ code: "invalid_state" });
  });
});
