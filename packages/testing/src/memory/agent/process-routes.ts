import { PodkitError, type ProcessInfo } from "@podkit/core";
import { Queue } from "../queue.js";
import { checkArgv, checkUser, findFolder } from "./exec-routes.js";
import { type Call, readBody, sendJson, sendNothing } from "./http.js";
import { number, parseFields, text, textRecord, texts } from "./json.js";
import { type End, FakeProcess, type World } from "./process.js";

interface Background {
  readonly process: FakeProcess;
  readonly facts: Omit<ProcessInfo, "state" | "exitCode" | "signal" | "exitedAt" | "stdoutBytes" | "stderrBytes">;
  readonly logs: { stdout: Buffer; stderr: Buffer };
  readonly followers: Set<() => void>;
  end: (End & { readonly at: number }) | undefined;
}

function infoOf({ facts, logs, end }: Background): ProcessInfo {
  const state = end === undefined ? "running" : end.exitCode === 0 ? "exited" : "failed";
  const { exitCode = null, signal = null, at = null } = end ?? {};
  return {
    ...facts,
    state,
    exitCode,
    signal,
    exitedAt: at,
    stdoutBytes: logs.stdout.length,
    stderrBytes: logs.stderr.length,
  };
}

/** The background processes of one fake agent. */
export class ProcessRoutes {
  readonly #world: World;
  readonly #onEnd: () => void;
  readonly #all = new Map<string, Background>();

  constructor(world: World, onEnd: () => void) {
    this.#world = world;
    this.#onEnd = onEnd;
  }

  get running(): number {
    return [...this.#all.values()].filter(({ end }) => end === undefined).length;
  }

  endAll(): void {
    for (const { process } of this.#all.values()) process.kill("KILL");
  }

  async handle(call: Call): Promise<void> {
    const [, id, verb] = call.path;
    if (id === undefined) return sendJson(call.stream, { processes: [...this.#all.values()].map(infoOf) });
    if (call.method === "POST" && verb === undefined) return this.#start(id, call);
    const found = this.#all.get(id);
    if (found === undefined) throw new PodkitError("not_found", `there is no process ${id}.`);
    switch (`${call.method} ${verb ?? ""}`) {
      case "GET ":
        return sendJson(call.stream, infoOf(found));
      case "GET logs":
        return this.#logs(found, call);
      case "GET wait":
        await found.process.ended;
        return sendJson(call.stream, infoOf(found));
      case "POST signal":
        found.process.kill(text(parseFields((await readBody(call.stream)).toString()), "signal") ?? "TERM");
        return sendNothing(call.stream);
      case "POST stop":
        found.process.kill("TERM");
        await found.process.ended;
        return sendJson(call.stream, infoOf(found));
      case "DELETE ":
        found.process.kill("KILL");
        this.#all.delete(id);
        return sendNothing(call.stream);
      default:
        throw new PodkitError("unsupported", `${call.method} /v1/${call.path.join("/")} is not served by this agent.`);
    }
  }

  async #start(id: string, call: Call): Promise<void> {
    const fields = parseFields((await readBody(call.stream)).toString());
    const there = this.#all.get(id);
    if (there !== undefined) return sendJson(call.stream, infoOf(there));
    checkUser(text(fields, "user"));
    const argv = checkArgv(texts(fields, "argv"));
    const cwd = findFolder(this.#world, text(fields, "cwd"));
    const env = { ...this.#world.env, ...textRecord(fields, "env") };
    const cap = number(fields, "maxLogBytes") ?? 64 * 1024 * 1024;
    const logs = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
    const followers = new Set<() => void>();
    const log = (name: "stdout" | "stderr") => async (bytes: Uint8Array) => {
      logs[name] = Buffer.concat([logs[name], bytes]).subarray(0, cap);
      for (const wake of followers) wake();
    };
    const stdin = new Queue<Uint8Array>();
    stdin.close();
    const process = new FakeProcess(this.#world, { argv, cwd, env, stdin, out: log("stdout"), err: log("stderr") });
    const name = text(fields, "name") ?? argv[0] ?? "";
    const facts = { id, name, argv, cwd, user: "0", pid: process.pid, startedAt: this.#world.clock.now() };
    const entry: Background = { process, facts, logs, followers, end: undefined };
    this.#all.set(id, entry);
    void process.ended.then((end) => {
      entry.end = { ...end, at: this.#world.clock.now() };
      for (const wake of followers) wake();
      this.#onEnd();
    });
    sendJson(call.stream, infoOf(entry));
  }

  async #logs(entry: Background, { query, stream }: Call): Promise<void> {
    const name = query.get("stream") === "stderr" ? "stderr" : "stdout";
    const asked = Number(query.get("offset") ?? 0);
    let at = asked < 0 ? Math.max(0, entry.logs[name].length + asked) : asked;
    stream.respond({ ":status": 200, "podkit-offset": String(at) });
    const follow = query.get("follow") === "1";
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        entry.followers.add(resolve);
        stream.once("close", resolve);
      });
      const ended = entry.end !== undefined;
      const fresh = entry.logs[name].subarray(at);
      at += fresh.length;
      if (fresh.length > 0) stream.write(fresh);
      if (!follow || ended || stream.destroyed) break;
      await changed;
    }
    stream.end();
  }
}
