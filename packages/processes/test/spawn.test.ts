import { once } from "node:events";
import { PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { spawn } from "../src/index.js";
import { OUTPUT_BUFFER_BYTES } from "../src/output-stream.js";
import { EXIT, FakeTarget } from "./fake-handle.js";

const bytes = (length: number) => new Uint8Array(length).fill(120);

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** True once `promise` settled, looked at after everything that is ready has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe("spawn", () => {
  it.each([
    ["options", null],
    ["options.timeout", { timeout: 100 }],
    ["options.stdin", { stdin: "text" }],
  ])("refuses %s of %j before anything is started", async (field, options) => {
    const target = new FakeTarget();
    const attempt = Reflect.apply(spawn, undefined, [{ target, command: ["prog"], options }]);
    await expect(attempt).rejects.toMatchObject({ code: "invalid_argument", details: { field } });
    expect(target.specs).toEqual([]);
  });

  it("gives stdout and stderr apart, and the end", async () => {
    const target = new FakeTarget();
    const command = await spawn({ target, command: ["prog"] });
    expect(target.specs[0]).toMatchObject({ argv: ["prog"], stdin: true, maxOutputBytes: null });
    await target.sinks.onStdout(Buffer.from("out"));
    await target.sinks.onStderr(Buffer.from("err"));
    target.handle.end({ ...EXIT, exitCode: 7 });
    expect(await Promise.all([text(command.stdout), text(command.stderr)])).toEqual(["out", "err"]);
    expect(await command.wait()).toEqual({
      exitCode: 7,
      signal: null,
      timedOut: false,
      oomKilled: false,
      durationMs: 5,
    });
  });

  it("holds the command's output back while nobody reads, and lets it go on when somebody does", async () => {
    const target = new FakeTarget();
    const command = await spawn({ target, command: ["yes"] });
    expect(target.sinks.onStdout(bytes(OUTPUT_BUFFER_BYTES - 1))).toBeUndefined();
    const held = Promise.resolve(target.sinks.onStdout(bytes(1)));
    expect(await isSettled(held)).toBe(false);
    command.stdout.resume();
    await held;
  });

  it("wait settles for small output that nobody reads, which can still be read then", async () => {
    const target = new FakeTarget();
    const command = await spawn({ target, command: ["prog"] });
    expect(target.sinks.onStdout(bytes(1000))).toBeUndefined();
    target.handle.end(EXIT);
    await command.wait();
    expect(await text(command.stdout)).toHaveLength(1000);
  });

  it("a small piece that waits keeps no large buffer", async () => {
    const target = new FakeTarget();
    const command = await spawn({ target, command: ["prog"] });
    void target.sinks.onStdout(bytes(1_000_000).subarray(5, 8));
    const [chunk] = await once(command.stdout, "data");
    expect([chunk.byteLength, chunk.buffer.byteLength < 100_000]).toEqual([3, true]);
  });

  it("a destroyed stream discards what comes", async () => {
    const target = new FakeTarget();
    const command = await spawn({ target, command: ["yes"] });
    const held = target.sinks.onStdout(bytes(OUTPUT_BUFFER_BYTES));
    command.stdout.destroy();
    await held;
    expect(target.sinks.onStdout(bytes(OUTPUT_BUFFER_BYTES))).toBeUndefined();
  });

  it("a write's callback comes after the agent took it, and end closes stdin", async () => {
    const target = new FakeTarget();
    let take = (): void => undefined;
    target.handle.taking = new Promise((resolve) => {
      take = resolve;
    });
    const command = await spawn({ target, command: ["cat"] });
    const written = new Promise((resolve) => command.stdin.write("hello", resolve));
    expect(await isSettled(written)).toBe(false);
    take();
    await written;
    command.stdin.end();
    await once(command.stdin, "finish");
    expect(Buffer.concat(target.handle.written).toString()).toBe("hello");
    expect(target.handle.calls).toEqual(["closeStdin"]);
  });

  it("destroying stdin closes it in the container", async () => {
    const target = new FakeTarget();
    const command = await spawn({ target, command: ["cat"] });
    command.stdin.destroy();
    expect(target.handle.calls).toEqual(["closeStdin"]);
  });

  it("an abort ends the tree, and fails wait and the streams", async () => {
    const target = new FakeTarget();
    const controller = new AbortController();
    const lost: unknown[] = [];
    const command = await spawn({
      target,
      command: ["sleep"],
      options: { signal: controller.signal },
      onLost: (error) => lost.push(error),
    });
    const reading = text(command.stdout);
    controller.abort();
    await expect(command.wait()).rejects.toMatchObject({ code: "aborted" });
    await expect(reading).rejects.toMatchObject({ code: "aborted" });
    expect(target.handle.calls).toContain("kill SIGKILL");
    expect(lost).toHaveLength(1);
  });

  it("an abort before the start rejects at once, and ends what starts all the same", async () => {
    const target = new FakeTarget();
    let go = (): void => undefined;
    target.start = new Promise((resolve) => {
      go = resolve;
    });
    const controller = new AbortController();
    const starting = spawn({ target, command: ["sleep"], options: { signal: controller.signal } });
    controller.abort();
    await expect(starting).rejects.toMatchObject({ code: "aborted" });
    go();
    await target.handle.wait();
    expect(target.handle.calls).toEqual(["kill SIGKILL"]);
    await expect(spawn({ target, command: ["sleep"], options: { signal: controller.signal } })).rejects.toMatchObject({
      code: "aborted",
    });
    expect(target.specs).toHaveLength(1);
  });

  it("a lost command rejects wait and ends the program by no unheard error", async () => {
    const target = new FakeTarget();
    const command = await spawn({ target, command: ["sleep"] });
    const lost = new PodkitError("exec_lost", "gone");
    target.handle.lose(lost);
    await expect(command.wait()).rejects.toBe(lost);
    expect(command.stdout.readable).toBe(false);
  });

  it("what became of a lost command is asked again, as it may be known better then", async () => {
    const target = new FakeTarget();
    const command = await spawn({ target, command: ["sleep"] });
    target.handle.lose(new PodkitError("exec_lost", "gone"));
    await expect(command.wait()).rejects.toMatchObject({ code: "exec_lost" });
    const replaced = new PodkitError("not_found", "replaced", { details: { reason: "replaced" } });
    target.handle.wait = () => Promise.reject(replaced);
    target.handle.kill = () => Promise.reject(replaced);
    await expect(command.wait()).rejects.toBe(replaced);
    await expect(command.kill()).rejects.toBe(replaced);
    await command[Symbol.asyncDispose]();
  });

  it("disposal ends the whole tree although nobody read, and is quiet after the end", async () => {
    const target = new FakeTarget();
    let held: void | Promise<void>;
    {
      await using _command = await spawn({ target, command: ["yes"] });
      held = target.sinks.onStdout(bytes(OUTPUT_BUFFER_BYTES));
    }
    expect(await isSettled(Promise.resolve(held))).toBe(true);
    expect(target.handle.calls.filter((call) => call === "kill SIGKILL")).toHaveLength(1);
    const second = new FakeTarget();
    const ended = await spawn({ target: second, command: ["true"] });
    second.handle.end(EXIT);
    await ended.wait();
    await ended[Symbol.asyncDispose]();
    await ended.kill();
    expect(second.handle.calls.filter((call) => call.startsWith("kill"))).toEqual([]);
  });

  it("tells start and exit in order, and checks signals and sizes", async () => {
    const target = new FakeTarget();
    const seen: string[] = [];
    const command = await spawn({
      target,
      command: ["sh"],
      options: { pty: { columns: 80, rows: 24 } },
      onStart: (pid) => seen.push(`start ${pid}`),
      onExit: ({ exitCode }) => seen.push(`exit ${exitCode}`),
    });
    await command.resize({ columns: 100, rows: 30 });
    await expect(command.resize({ columns: 0, rows: 30 })).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(command.kill("9")).rejects.toMatchObject({ code: "invalid_argument" });
    await command.kill("SIGHUP");
    target.handle.end(EXIT);
    await command.wait();
    expect(seen).toEqual(["start 42", "exit 0"]);
    expect(target.handle.calls.slice(0, 2)).toEqual(["resize 100x30", "kill SIGHUP"]);
  });
});
