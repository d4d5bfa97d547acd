import { EventEmitter } from "node:events";
import type { ExecOptions, ExecResult, FileInfo } from "@podkit/core";
import type { CreateSessionRequest } from "@podkit/session";
import { describe, expect, it } from "vitest";
import { onInterrupt } from "../src/interrupt.js";
import { type RunOptions, runOnce } from "../src/run.js";

const RESULT: ExecResult = {
  exitCode: 0,
  signal: null,
  stdout: "42\n",
  stderr: "",
  timedOut: false,
  truncated: false,
  oomKilled: false,
  durationMs: 1,
};

/** Notes what a run does, in order. */
class Notes {
  readonly done: string[] = [];
  readonly requests: CreateSessionRequest[] = [];
  readonly options: ExecOptions[] = [];
  prefix = "";
  command: (options: ExecOptions) => Promise<ExecResult> = async () => RESULT;
  write: (path: string) => Promise<void> = async () => undefined;

  run(command: string | readonly string[], options?: RunOptions) {
    return runOnce(
      (prefix) => {
        this.prefix = prefix;
        return { createSession: (request) => this.#create(request) };
      },
      command,
      options ?? {},
    );
  }

  async #create(request: CreateSessionRequest) {
    this.requests.push(request);
    this.done.push("create");
    return {
      files: {
        write: async (path: string): Promise<FileInfo> => {
          await this.write(path);
          this.done.push(`write ${path}`);
          return { path, name: path, type: "file" as const, size: 0, mode: 0, uid: 0, gid: 0, mtimeMs: 0 };
        },
      },
      executeCommand: (_: unknown, given: ExecOptions) => {
        this.options.push(given);
        this.done.push("execute");
        return this.command(given);
      },
      [Symbol.asyncDispose]: async () => {
        this.done.push("remove");
      },
    };
  }
}

describe("runOnce", () => {
  it("puts files in, runs the command and removes everything, each with its own options", async () => {
    const notes = new Notes();
    const result = await notes.run("python main.py", {
      image: "img",
      network: "none",
      user: "nobody",
      files: { "main.py": "print(6 * 7)", "data/a": "1" },
      timeoutMs: 10_000,
      env: { A: "1" },
      check: true,
    });
    expect(result).toBe(RESULT);
    expect(notes.done).toEqual(["create", "write main.py", "write data/a", "execute", "remove"]);
    expect(notes.prefix).toBe("podkit-run");
    expect(notes.requests[0]?.config).toEqual({ image: "img", network: "none", user: "nobody", autoRemove: true });
    expect(notes.options[0]).toMatchObject({ timeoutMs: 10_000, env: { A: "1" }, check: true });
  });

  it("gives every run an identity of its own", async () => {
    const notes = new Notes();
    await notes.run("true");
    await notes.run("true", { prefix: "mine", autoRemove: false });
    expect(new Set(notes.requests.map(({ sessionId }) => sessionId)).size).toBe(2);
    expect(notes.prefix).toBe("mine");
    expect(notes.requests[1]?.config).toEqual({ autoRemove: false });
  });

  it("removes everything after an error, of a file or of the command", async () => {
    const broken = new Notes();
    broken.write = async () => {
      throw new Error("disk full");
    };
    await expect(broken.run("true", { files: { a: "" } })).rejects.toThrow("disk full");
    expect(broken.done).toEqual(["create", "remove"]);
    const failing = new Notes();
    failing.command = async () => {
      throw new Error("lost");
    };
    await expect(failing.run("true")).rejects.toThrow("lost");
    expect(failing.done).toEqual(["create", "execute", "remove"]);
  });

  it("removes everything after an abort, and makes nothing after one given before", async () => {
    const notes = new Notes();
    const controller = new AbortController();
    notes.command = ({ signal }) =>
      new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(new Error("aborted")));
        controller.abort();
      });
    await expect(notes.run("true", { signal: controller.signal })).rejects.toThrow("aborted");
    expect(notes.done.at(-1)).toBe("remove");
    await expect(notes.run("true", { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    expect(notes.requests).toHaveLength(1);
  });

  it("refuses what cannot run before anything is made", async () => {
    const notes = new Notes();
    for (const options of [{ timeoutMs: -1 }, { env: { "": "x" } }, { files: "main.py" }]) {
      await expect(Reflect.apply(notes.run, notes, ["true", options])).rejects.toMatchObject({
        code: "invalid_argument",
      });
    }
    await expect(notes.run([])).rejects.toMatchObject({ code: "invalid_argument" });
    expect(notes.requests).toEqual([]);
  });
});

describe("onInterrupt", () => {
  class FakeProcess extends EventEmitter {
    readonly pid = 7;
    readonly killed: string[] = [];
    kill(pid: number, signal: string): boolean {
      this.killed.push(`${pid} ${signal}`);
      return true;
    }
  }

  it("holds the first signal back, and gives it its usual effect in the end", () => {
    const target = new FakeProcess();
    const interrupt = onInterrupt(target);
    target.emit("SIGINT", "SIGINT");
    expect(interrupt.signal.aborted).toBe(true);
    expect([target.killed, target.listenerCount("SIGINT"), target.listenerCount("SIGTERM")]).toEqual([[], 0, 0]);
    interrupt.done();
    expect(target.killed).toEqual(["7 SIGINT"]);
  });

  it("leaves the signal to the program where that listens itself, and nothing behind", () => {
    const target = new FakeProcess();
    target.on("SIGTERM", () => undefined);
    const interrupt = onInterrupt(target);
    target.emit("SIGTERM", "SIGTERM");
    interrupt.done();
    const quiet = onInterrupt(target);
    quiet.done();
    expect(target.killed).toEqual([]);
    expect([target.listenerCount("SIGINT"), target.listenerCount("SIGTERM")]).toEqual([0, 1]);
  });
});
