import { randomBytes } from "node:crypto";
import {
  type CallOptions,
  PodkitError,
  type ProcessInfo,
  type ProcessLogOptions,
  type ProcessSpec,
  type ProcessTable,
  quote,
} from "@podkit/core";
import { type Caller, nothing, type RequestRules } from "./caller.js";
import { Fields, signalField } from "./fields.js";
import { checkInteger, withQuery } from "./paths.js";
import { parseSignal } from "./signals.js";
import { protocolError } from "./violation.js";

const ID = /^[A-Za-z0-9_-]{8,64}$/;
const STOP_GRACE_MS = 5_000;
/** What ending a tree may take beyond its grace. */
const STOP_SLACK_MS = 15_000;

/** The background processes of one container, by its agent. */
export class AgentProcesses implements ProcessTable {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async start(spec: ProcessSpec, { signal }: CallOptions = {}): Promise<ProcessInfo> {
    const { name, argv, cwd, env, user, maxLogBytes } = spec;
    if (argv.length === 0)
      throw new PodkitError("invalid_argument", "argv is empty: a process needs a program.", {
        details: { field: "argv" },
      });
    checkInteger("maxLogBytes", maxLogBytes, 1);
    // The id is ours, so that a start that was cut can be repeated without a second process.
    const request = {
      doing: `Starting process ${quote(name ?? argv[0])}`,
      method: "POST",
      path: `/v1/processes/${randomBytes(12).toString("hex")}`,
      json: { name, argv, cwd, env, user, maxLogBytes },
      signal,
    };
    return this.#caller.ask(request, parseProcess, { idempotent: true });
  }

  async list({ signal }: CallOptions = {}): Promise<ProcessInfo[]> {
    const request = { doing: "Listing processes", method: "GET", path: "/v1/processes", signal };
    return this.#caller.ask(request, parseProcesses, { idempotent: true });
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<ProcessInfo> {
    return this.#ask(parseProcess, "Looking at", id, "GET", "", signal, { idempotent: true });
  }

  logs(id: string, { stream, offset, follow, signal }: ProcessLogOptions = {}): AsyncIterable<Uint8Array> {
    checkInteger("offset", offset, Number.MIN_SAFE_INTEGER);
    return this.#caller.download({
      doing: `Reading the log of process ${quote(id)}`,
      path: withQuery(processPath(id, "/logs"), { stream: stream ?? "stdout", offset, follow }),
      signal,
      patient: follow === true,
    });
  }

  async wait(id: string, { signal }: CallOptions = {}): Promise<ProcessInfo> {
    return this.#ask(parseProcess, "Waiting for", id, "GET", "/wait", signal, { idempotent: true, timeoutMs: null });
  }

  async signal(
    id: string,
    name: string,
    { tree, signal }: CallOptions & { readonly tree?: boolean | undefined } = {},
  ): Promise<void> {
    await this.#ask(
      nothing,
      "Signalling",
      id,
      "POST",
      "/signal",
      signal,
      {},
      { signal: parseSignal(name), tree: tree ?? false },
    );
  }

  async stop(
    id: string,
    { graceMs, signal }: CallOptions & { readonly graceMs?: number | undefined } = {},
  ): Promise<ProcessInfo> {
    const grace = checkInteger("graceMs", graceMs, 0) ?? STOP_GRACE_MS;
    const rules = { idempotent: true, timeoutMs: grace + STOP_SLACK_MS };
    return this.#ask(parseProcess, "Stopping", id, "POST", "/stop", signal, rules, { graceMs: grace });
  }

  async remove(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#ask(nothing, "Removing", id, "DELETE", "", signal, {});
  }

  async #ask<T>(
    parse: (answer: unknown) => T,
    verb: string,
    id: string,
    method: string,
    suffix: string,
    signal: CallOptions["signal"],
    rules: RequestRules,
    json?: unknown,
  ): Promise<T> {
    const request = { doing: `${verb} process ${quote(id)}`, method, path: processPath(id, suffix), json, signal };
    return this.#caller.ask(request, parse, rules);
  }
}

function processPath(id: string, suffix: string): string {
  if (ID.test(id)) return `/v1/processes/${id}${suffix}`;
  throw new PodkitError("not_found", `There is no process ${quote(id)}; list processes to see which there are.`, {
    details: { id },
  });
}

function parseProcesses(value: unknown): ProcessInfo[] {
  return new Fields("processes", value).list("processes").map(parseProcess);
}

/** Reads a ProcessInfo. @throws `internal` (reason `protocol`). */
export function parseProcess(value: unknown): ProcessInfo {
  const fields = new Fields("ProcessInfo", value);
  const id = fields.string("id", 64);
  if (!ID.test(id)) throw protocolError("an id of a process that is none");
  return {
    id,
    name: fields.string("name"),
    argv: fields.strings("argv"),
    cwd: fields.string("cwd", 65_536),
    user: fields.string("user"),
    pid: fields.integer("pid", 0, 2 ** 31 - 1),
    state: fields.word("state", ["running", "exited", "failed", "lost"]),
    exitCode: fields.nullable("exitCode", () => fields.integer("exitCode", 0, 255)),
    signal: signalField(fields, "signal"),
    startedAt: fields.number("startedAt"),
    exitedAt: fields.nullable("exitedAt", () => fields.number("exitedAt")),
    stdoutBytes: fields.integer("stdoutBytes"),
    stderrBytes: fields.integer("stderrBytes"),
  };
}
