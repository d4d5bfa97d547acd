import { type ExecFailedError, type ExecOptions, PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { execute } from "../src/execute.js";
import { FakeSandbox, type Program } from "./fakes.js";

function sandbox(program: Program): FakeSandbox {
  const made = new FakeSandbox({ userId: "bob", sessionId: "1" });
  made.program = program;
  return made;
}

const sleeping: Program = ({ killed }) => killed.then((signal) => ({ exitCode: null, signal }));

describe("execute", () => {
  it("collects both streams into one plain result", async () => {
    const box = sandbox(async ({ sinks }) => {
      await sinks.onStdout(Buffer.from("out"));
      await sinks.onStderr(Buffer.from("err"));
      return { exitCode: 3 };
    });
    const result = await execute(box, "echo", { env: { A: "1" }, cwd: "/tmp", timeoutMs: 500 });
    expect(result).toEqual({
      exitCode: 3,
      signal: null,
      stdout: "out",
      stderr: "err",
      timedOut: false,
      truncated: false,
      oomKilled: false,
      durationMs: 5,
    });
    expect(box.specs).toEqual([
      {
        argv: ["/bin/sh", "-c", "echo"],
        env: { A: "1" },
        cwd: "/tmp",
        timeoutMs: 500,
        stdin: false,
        maxOutputBytes: 8 * 1024 * 1024,
      },
    ]);
    expect(Object.isFrozen(box.specs[0])).toBe(true);
  });

  it("decodes characters that chunks cut in two, and gives bytes where asked", async () => {
    const text = Buffer.from("naïve 😀 €");
    const box = sandbox(({ sinks }) => {
      for (const byte of text) void sinks.onStdout(Uint8Array.of(byte));
      return {};
    });
    expect((await execute(box, ["x"], {})).stdout).toBe("naïve 😀 €");
    expect(Buffer.from((await execute(box, ["x"], { encoding: "buffer" })).stdout)).toEqual(text);
  });

  it("cuts around the gap at whole characters, and counts what that drops", async () => {
    const all = Buffer.from("😀😀😀");
    const box = sandbox(({ sinks }) => {
      void sinks.onStdout(all.subarray(0, 5));
      void sinks.onStdout(all.subarray(7));
      return { truncated: { stdout: 2, stderr: 0 } };
    });
    const result = await execute(box, ["x"], { maxOutputBytes: 10 });
    expect(result).toMatchObject({ stdout: "😀😀", truncated: { stdout: 4, stderr: 0 } });
  });

  it("keeps the cap on this side where somebody listens, and shows the listener everything", async () => {
    const box = sandbox(async ({ sinks }) => {
      for (const part of ["aaaa", "bbbb", "cccc"]) await sinks.onStdout(Buffer.from(part));
      return {};
    });
    const seen: string[] = [];
    const result = await execute(box, ["x"], {
      maxOutputBytes: 6,
      onStdout: (chunk) => void seen.push(Buffer.from(chunk).toString()),
    });
    expect(box.specs[0]?.maxOutputBytes).toBe(null);
    expect(seen.join("")).toBe("aaaabbbbcccc");
    expect(result).toMatchObject({ stdout: "aaaccc", truncated: { stdout: 6, stderr: 0 } });
  });

  it("a listener's promise holds the output back", async () => {
    let go = (): void => undefined;
    const box = sandbox(async ({ sinks }) => {
      await sinks.onStderr(Buffer.from("x"));
      return {};
    });
    const running = execute(box, ["x"], {
      onStderr: () =>
        new Promise((resolve) => {
          go = resolve;
        }),
    });
    let ended = false;
    void running.then(() => {
      ended = true;
    });
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    go();
    await running;
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("mine");
      },
    ],
    ["rejects", () => Promise.reject(new Error("mine"))],
  ])("a listener that %s ends the command and is what the caller sees", async (_, onStdout) => {
    const box = sandbox(async ({ sinks, killed }) => {
      await sinks.onStdout(Buffer.from("x"));
      return { exitCode: null, signal: await killed };
    });
    await expect(execute(box, ["x"], { onStdout })).rejects.toThrow("mine");
    expect(box.handles[0]?.kills).toEqual(["SIGKILL"]);
  });

  it("feeds text, bytes and iterables, and then ends stdin", async () => {
    const box = sandbox(async ({ stdin, sinks }) => {
      await sinks.onStdout(await stdin);
      return {};
    });
    async function* parts() {
      yield Buffer.from("a");
      yield Buffer.from("b");
    }
    expect((await execute(box, ["cat"], { stdin: "é" })).stdout).toBe("é");
    expect((await execute(box, ["cat"], { stdin: "" })).stdout).toBe("");
    expect((await execute(box, ["cat"], { stdin: Uint8Array.of(65) })).stdout).toBe("A");
    expect((await execute(box, ["cat"], { stdin: parts() })).stdout).toBe("ab");
    expect(box.specs.every(({ stdin }) => stdin)).toBe(true);
  });

  it("a source of stdin that fails, or gives no bytes, ends the command", async () => {
    async function* failing() {
      yield Buffer.from("a");
      throw new Error("no more");
    }
    await expect(execute(sandbox(sleeping), ["cat"], { stdin: failing() })).rejects.toThrow("no more");
    const texts = (async function* () {
      yield "text";
    })();
    const box = sandbox(sleeping);
    const options: ExecOptions = Object.assign({}, { stdin: texts as AsyncIterable<never> });
    await expect(execute(box, ["cat"], options)).rejects.toMatchObject({ code: "invalid_argument" });
    expect(box.handles[0]?.kills).toEqual(["SIGKILL"]);
  });

  it("lets go of a source that hangs once the command has ended", async () => {
    let returned = false;
    const source: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: async () => {
          returned = true;
          return { done: true, value: undefined };
        },
      }),
    };
    await execute(
      sandbox(() => ({})),
      ["true"],
      { stdin: source },
    );
    expect(returned).toBe(true);
  });

  it("an abort rejects at once and ends the tree; one given before starts nothing", async () => {
    const controller = new AbortController();
    const box = sandbox(() => new Promise(() => undefined));
    const running = execute(box, ["sleep", "9"], { signal: controller.signal });
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error("why"));
    await expect(running).rejects.toMatchObject({ code: "aborted", cause: new Error("why") });
    expect(box.handles[0]?.kills).toEqual(["SIGKILL"]);
    await expect(execute(box, ["x"], { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    expect(box.handles).toHaveLength(1);
  });

  it("check: true makes errors that carry the result and show the end of stderr", async () => {
    const failing = sandbox(({ sinks }) => {
      void sinks.onStderr(Buffer.from(`${"x".repeat(600)}the reason\n`));
      return { exitCode: 2 };
    });
    const failure = await execute(failing, "npm test", { check: true }).catch((error: ExecFailedError) => error);
    expect(failure).toMatchObject({ name: "ExecFailedError", code: "invalid_state", result: { exitCode: 2 } });
    expect(String(failure)).toMatch(/"npm test" ended with code 2[\s\S]*the reason$/);
    expect(String(failure).length).toBeLessThan(600);
    const late = sandbox(() => ({ timedOut: true, exitCode: null, signal: "SIGKILL" }));
    await expect(execute(late, "x", { check: true })).rejects.toMatchObject({
      name: "ExecTimeoutError",
      code: "timeout",
    });
    const killed = sandbox(() => ({ exitCode: null, signal: "SIGKILL", oomKilled: true }));
    await expect(execute(killed, "x", { check: true })).rejects.toThrow(/SIGKILL.*memory/);
    await execute(
      sandbox(() => ({})),
      "x",
      { check: true },
    );
  });

  it("a lost command is the error that the runtime gave, never a result", async () => {
    const lost = new PodkitError("exec_lost", "gone");
    await expect(
      execute(
        sandbox(() => Promise.reject(lost)),
        "x",
        {},
      ),
    ).rejects.toBe(lost);
  });

  it.each([
    ["maxOutputBytes", { maxOutputBytes: -1 }],
    ["maxOutputBytes", { maxOutputBytes: 1e12 }],
    ["maxOutputBytes", { maxOutputBytes: 2.5 }],
    ["stdin", { stdin: 5 }],
    ["stdin", { stdin: null }],
    ["onStdout", { onStdout: "x" }],
    ["encoding", { encoding: "latin1" }],
    ["timeoutMs", { timeoutMs: 0 }],
    ["env", { env: { "": "" } }],
    ["user", { user: "$(id)" }],
    ["options", null],
    ["options", "x"],
    ["options.timeout", { timeout: 100 }],
    ["options.pty", { pty: { columns: 80, rows: 24 } }],
  ])("refuses %s %j before anything runs", async (field, options) => {
    const box = sandbox(() => ({}));
    await expect(Reflect.apply(execute, undefined, [box, "x", options])).rejects.toMatchObject({
      code: "invalid_argument",
      details: { field },
    });
    expect(box.specs).toEqual([]);
  });
});
