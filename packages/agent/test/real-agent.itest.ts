import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ExecSpec } from "@podkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AGENT_EXIT, AgentClient } from "../src/index.js";
import { Collected, failure, run, until } from "./support/client.js";
import { RealAgent } from "./support/real-agent.js";

const agent = new RealAgent();
const client = new AgentClient({ link: agent, reconnectGraceMs: 2_000 });

beforeAll(async () => {
  agent.start();
  await client.connect();
});

afterAll(async () => {
  await client.close();
  await agent.remove();
});

const capture = (...argv: string[]): ExecSpec => ({ argv, stdin: false, maxOutputBytes: 8 * 1024 * 1024 });
const stream = (...argv: string[]): ExecSpec => ({ argv, stdin: false, maxOutputBytes: null });
const sh = (script: string): string[] => ["/bin/sh", "-c", script];

describe("commands of the real agent", () => {
  it("gives output apart, exit codes and signals", async () => {
    const sinks = new Collected();
    const { exit } = await run(client, capture(...sh("echo out; echo err >&2; exit 3")), sinks);
    expect([exit.exitCode, exit.signal, sinks.text, sinks.errorText]).toEqual([3, null, "out\n", "err\n"]);
    expect((await run(client, capture(...sh("kill -9 $$")))).exit).toMatchObject({ exitCode: null, signal: "SIGKILL" });
  });

  it("gives 127 and 126 with a message", async () => {
    const missing = new Collected();
    expect((await run(client, capture("no-such-program"), missing)).exit.exitCode).toBe(127);
    expect(missing.errorText).not.toBe("");
    expect((await run(client, capture("/etc/passwd"))).exit.exitCode).toBe(126);
  });

  it("takes cwd and environment", async () => {
    const sinks = new Collected();
    await run(client, { ...capture(...sh('pwd; echo "$A $GREETING"')), cwd: "/", env: { A: "b c" } }, sinks);
    expect(sinks.text).toBe("/\nb c hello\n");
    expect(await failure(client.exec({ ...capture("true"), cwd: "/no/such/folder" }, new Collected()))).toMatchObject({
      code: "not_found",
    });
  });

  it("keeps head and tail of what is too much", async () => {
    const sinks = new Collected();
    const { exit } = await run(client, { ...capture(...sh("seq 1 100000")), maxOutputBytes: 1000 }, sinks);
    const whole = Array.from({ length: 100_000 }, (_, n) => `${n + 1}\n`).join("");
    expect(sinks.text).toBe(whole.slice(0, 500) + whole.slice(-500));
    expect(exit.truncated).toEqual({ stdout: whole.length - 1000, stderr: 0 });
    for (const cap of [0, 1, 2, 3]) {
      const small = new Collected();
      const end = await run(client, { ...capture(...sh("seq 1 1000")), maxOutputBytes: cap }, small);
      expect([cap, small.text.length, end.exit.truncated]).toEqual([cap, cap, { stdout: 3893 - cap, stderr: 0 }]);
    }
  });

  it("ends at its deadline with what it printed", async () => {
    const sinks = new Collected();
    const { exit } = await run(client, { ...capture(...sh("echo begun; sleep 60")), timeoutMs: 300 }, sinks);
    expect(exit.timedOut).toBe(true);
    expect(sinks.text).toBe("begun\n");
  });

  it("passes stdin through, whole and with its end", async () => {
    const input = randomBytes(3 * 1024 * 1024);
    const sinks = new Collected();
    const handle = await client.exec({ ...stream("cat"), stdin: true }, sinks);
    for (let at = 0; at < input.length; at += 100_000) await handle.writeStdin(input.subarray(at, at + 100_000));
    await handle.closeStdin();
    expect((await handle.wait()).exitCode).toBe(0);
    expect(Buffer.concat(sinks.stdout).equals(input)).toBe(true);
  });

  it("takes the end of a command that reads no stdin for no error", async () => {
    const handle = await client.exec({ ...capture("true"), stdin: true }, new Collected());
    for (let n = 0; n < 40; n += 1) await handle.writeStdin(Buffer.alloc(100_000));
    await handle.closeStdin();
    expect((await handle.wait()).exitCode).toBe(0);
  });

  it("streams 64 MiB whole, also to a slow reader", async () => {
    let size = 0;
    const sinks = {
      onStdout: (chunk: Uint8Array) => {
        size += chunk.length;
        return size % 50 === 0 ? new Promise<void>((settle) => setImmediate(settle)) : undefined;
      },
      onStderr: () => undefined,
    };
    await run(client, stream("head", "-c", String(64 * 1024 * 1024), "/dev/zero"), sinks);
    expect(size).toBe(64 * 1024 * 1024);
  });

  it("holds a writer whose reader waits, and nobody else", async () => {
    let release = (): void => undefined;
    let size = 0;
    const sinks = {
      onStdout: (chunk: Uint8Array) => {
        size += chunk.length;
        return new Promise<void>((settle) => {
          release = settle;
        });
      },
      onStderr: () => undefined,
    };
    const handle = await client.exec(stream("yes"), sinks);
    await until("output", () => size > 0);
    expect((await run(client, capture("true"))).exit.exitCode).toBe(0);
    expect(size).toBeLessThan(1024 * 1024);
    await handle.kill("SIGKILL");
    release();
    const settled = handle.wait();
    const pump = setInterval(() => release(), 1);
    expect((await settled).signal).toBe("SIGKILL");
    clearInterval(pump);
  });

  it("has a terminal that can be resized", async () => {
    const sinks = new Collected();
    const handle = await client.exec(
      { ...stream(...sh("stty size; read x; stty size")), stdin: true, pty: { columns: 80, rows: 24 } },
      sinks,
    );
    await until("the first size", () => sinks.text.includes("24 80"));
    await handle.resize({ columns: 100, rows: 40 });
    await handle.writeStdin(Buffer.from("\n"));
    await handle.wait();
    expect(sinks.text).toContain("40 100");
  });

  it("gets signals; SIGKILL ends its whole tree", async () => {
    const sinks = new Collected();
    const trapped = await client.exec(
      stream(...sh("trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.05; done")),
      sinks,
    );
    await until("ready", () => sinks.text.includes("ready"));
    await trapped.kill();
    expect((await trapped.wait()).exitCode).toBe(9);
    const tree = new Collected();
    const parent = await client.exec(stream(...sh("setsid sleep 1000 & echo $!; wait")), tree);
    await until("the child", () => tree.text.includes("\n"));
    await parent.kill("SIGKILL");
    await parent.wait();
    const child = Number(tree.text);
    await until("the child is gone", () => !isAlive(child));
  });

  it("ends the whole tree at an abort and rejects at once", async () => {
    const sinks = new Collected();
    const controller = new AbortController();
    const handle = await client.exec(stream(...sh("setsid sleep 1000 & echo $!; wait")), sinks, {
      signal: controller.signal,
    });
    await until("the child", () => sinks.text.includes("\n"));
    controller.abort();
    expect(await failure(handle.wait())).toMatchObject({ code: "aborted" });
    const child = Number(sinks.text);
    await until("the child is gone", () => !isAlive(child));
    expect((await client.status()).running.execs).toBe(0);
  });

  it("goes on with output and stdin over cut streams", async () => {
    const input = randomBytes(2 * 1024 * 1024);
    const sinks = new Collected();
    const handle = await client.exec({ ...stream("cat"), stdin: true }, sinks);
    for (let at = 0; at < input.length; at += 64 * 1024) {
      await handle.writeStdin(input.subarray(at, at + 64 * 1024));
      if (at % (256 * 1024) === 0) agent.cut();
    }
    await handle.closeStdin();
    expect((await handle.wait()).exitCode).toBe(0);
    expect(Buffer.concat(sinks.stdout).equals(input)).toBe(true);
  });

  it("runs 300 long commands at once and still answers", async () => {
    const handles = await Promise.all(
      Array.from({ length: 300 }, () => client.exec(stream("sleep", "1000"), new Collected())),
    );
    expect((await client.status()).running.execs).toBeGreaterThanOrEqual(300);
    expect((await run(client, capture("true"))).exit.exitCode).toBe(0);
    await Promise.all(handles.map((handle) => handle.kill("SIGKILL")));
    await Promise.all(handles.map((handle) => handle.wait()));
  }, 30_000);
});

describe("files of the real agent", () => {
  it("writes, reads, looks at, lists, renames and removes", async () => {
    const { files } = client;
    const info = await files.write("a/b c/ü\n'.txt", "hello", { mode: 0o600 });
    expect(info).toMatchObject({
      type: "file",
      size: 5,
      mode: 0o600,
      name: "ü\n'.txt",
      path: join(agent.workingDir, "a/b c/ü\n'.txt"),
    });
    expect(readFileSync(info.path, "utf8")).toBe("hello");
    expect(await text(files.read(info.path))).toBe("hello");
    expect(await text(files.read(info.path, { offset: 1, length: 3 }))).toBe("ell");
    expect(await text(files.read(info.path, { offset: 9 }))).toBe("");
    await files.mkdir("a/empty");
    expect((await files.list("a", { depth: 5 })).map((entry) => entry.path.slice(agent.workingDir.length))).toEqual([
      "/a/b c",
      "/a/b c/ü\n'.txt",
      "/a/empty",
    ]);
    await files.rename("a/b c", "a/d");
    expect((await files.stat("a/d")).type).toBe("directory");
    await files.remove("a", { recursive: true });
    expect(await failure(files.stat("a"))).toMatchObject({ code: "not_found" });
    expect(await failure(files.remove("a"))).toMatchObject({ code: "not_found" });
    expect(await failure(text(files.read("a")))).toMatchObject({ code: "not_found" });
    expect(await failure(text(files.read(".")))).toMatchObject({ code: "invalid_state" });
    expect(await failure(files.write(".", "x"))).toMatchObject({
      code: expect.stringMatching(/^(invalid_state|already_exists)$/),
    });
  });

  it("carries 100 MB both ways, as bytes and as a stream", async () => {
    const bytes = randomBytes(100_000_000);
    await client.files.write("big", bytes);
    expect(statSync(join(agent.workingDir, "big")).size).toBe(bytes.length);
    expect(readFileSync(join(agent.workingDir, "big")).equals(bytes)).toBe(true);
    const back: Uint8Array[] = [];
    for await (const chunk of client.files.read("big")) back.push(chunk);
    expect(Buffer.concat(back).equals(bytes)).toBe(true);
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 1_000_000) yield bytes.subarray(at, at + 1_000_000);
    }
    await client.files.write("big", source());
    expect(readFileSync(join(agent.workingDir, "big")).equals(bytes)).toBe(true);
    await client.files.remove("big");
  });

  it("leaves nothing of a write whose source fails", async () => {
    await client.files.write("kept", "old");
    async function* source(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(1_000_000);
      throw new Error("the source broke");
    }
    await expect(client.files.write("kept", source())).rejects.toThrow("the source broke");
    expect(await text(client.files.read("kept"))).toBe("old");
    await until("no temporary file", () => true);
    expect((await client.files.list(".")).map((entry) => entry.name)).toEqual(["kept"]);
    await client.files.remove("kept");
  });

  it("copies a folder as tar", async () => {
    await client.files.write("from/x/y", "1");
    await client.files.write("from/z", "22");
    await client.files.writeTar("to", client.files.readTar("from"));
    expect(await text(client.files.read("to/x/y"))).toBe("1");
    expect(await text(client.files.read("to/z"))).toBe("22");
    await client.files.remove("from", { recursive: true });
    await client.files.remove("to", { recursive: true });
  });

  it("watches until it is left", async () => {
    await client.files.mkdir("seen");
    const writing = setInterval(() => void client.files.write("seen/new", "x").catch(() => undefined), 50);
    for await (const change of client.files.watch("seen")) {
      expect(change.path).toContain(join(agent.workingDir, "seen"));
      break;
    }
    clearInterval(writing);
    await client.files.remove("seen", { recursive: true });
  });
});

describe("processes of the real agent", () => {
  it("start, are listed, followed, stopped and removed", async () => {
    const { processes } = client;
    const started = await processes.start({ name: "job", argv: sh("echo one; sleep 0.3; echo two; exit 4") });
    expect(started).toMatchObject({ name: "job", state: "running", exitCode: null });
    expect((await processes.list()).map(({ id }) => id)).toContain(started.id);
    expect(await text(processes.logs(started.id, { follow: true }))).toBe("one\ntwo\n");
    expect(await processes.wait(started.id)).toMatchObject({ state: "failed", exitCode: 4, stdoutBytes: 8 });
    expect(await text(processes.logs(started.id, { offset: 4 }))).toBe("two\n");
    expect(await text(processes.logs(started.id, { offset: -4 }))).toBe("two\n");
    await processes.remove(started.id);
    expect(await failure(processes.get(started.id))).toMatchObject({ code: "not_found" });
    const endless = await processes.start({ argv: ["sleep", "1000"] });
    expect(await processes.stop(endless.id, { graceMs: 1_000 })).toMatchObject({ state: "failed", signal: "SIGTERM" });
    await processes.remove(endless.id);
  });

  it("own the ports that they listen on", async () => {
    const listening =
      "import socket,time; s=socket.socket(); s.bind(('127.0.0.1',0)); s.listen(); print(s.getsockname()[1],flush=True); time.sleep(1000)";
    const server = await client.processes.start({ argv: ["python3", "-c", listening] });
    let port = 0;
    for await (const chunk of client.processes.logs(server.id, { follow: true })) {
      port = Number(String(Buffer.from(chunk)));
      break;
    }
    expect(await client.listPorts()).toContainEqual(
      expect.objectContaining({ port, address: "127.0.0.1", processId: server.id }),
    );
    await client.processes.stop(server.id, { graceMs: 100 });
    await client.processes.remove(server.id);
  });
});

describe("the end of the real agent", () => {
  it("loses a command when it is killed, and says so at once", async () => {
    const mortal = new RealAgent();
    mortal.start();
    const other = new AgentClient({ link: mortal });
    const handle = await other.exec(stream("sleep", "1000"), new Collected());
    await mortal.kill();
    expect(await failure(handle.wait())).toMatchObject({
      code: "exec_lost",
      retryable: false,
      details: { reason: "gone" },
    });
    await other.close();
    await mortal.remove();
  });

  it("ends with its own codes: asked, idle", async () => {
    const asked = new RealAgent();
    asked.start();
    const other = new AgentClient({ link: asked });
    await other.connect();
    await other.shutdown({ graceMs: 500 });
    expect(await asked.exited).toBe(AGENT_EXIT.asked);
    await other.close();
    await asked.remove();
    const idle = new RealAgent();
    idle.start({ lifetimeMs: 300 });
    expect(await idle.exited).toBe(AGENT_EXIT.idle);
    await idle.remove();
  });
});

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString("utf8");
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
