import type { ExecSpec } from "@podkit/core";
import { PodkitError } from "@podkit/core";
import { Fields, parseJson, signalField } from "./fields.js";
import { FRAME, MAX_PAYLOAD, textFrame } from "./frames.js";
import { protocolError } from "./violation.js";

/** A STARTED frame. */
export interface Started {
  readonly pid: number;
  /** Bytes of stdin that the command's side took. */
  readonly stdin: number;
}

/** An EXIT frame. */
export interface Exit {
  readonly exitCode: number | null;
  /** With `SIG`. */
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly oomKilled: boolean;
  readonly durationMs: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** True where ending the tree did not converge. */
  readonly treeAlive: boolean;
}

/** Longest SPEC that goes as a header. */
const MAX_BRIEF = 8 * 1024;

/** The SPEC as a header's value, which is ASCII; undefined where it does not fit. Only for a new command that is captured. */
export function briefSpec(spec: ExecSpec, graceMs: number): string | undefined {
  if (spec.maxOutputBytes === null || spec.stdin || spec.pty !== undefined) return undefined;
  const text = specText(spec, graceMs, 0, 0);
  if (text.length > MAX_BRIEF) return undefined;
  const ascii = text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return ascii.length > MAX_BRIEF ? undefined : ascii;
}

/**
 * The SPEC frame that starts a command, or attaches to it from the offsets.
 * @throws `invalid_argument` where it is larger than the protocol allows.
 */
export function specFrame(spec: ExecSpec, graceMs: number, stdout: number, stderr: number): Buffer {
  const frame = textFrame(FRAME.spec, specText(spec, graceMs, stdout, stderr));
  if (frame.length <= MAX_PAYLOAD) return frame;
  throw new PodkitError(
    "invalid_argument",
    `The command cannot be sent: its arguments and environment take ${frame.length} bytes and at most ${MAX_PAYLOAD} fit. Pass large data through stdin or a file.`,
  );
}

function specText(spec: ExecSpec, graceMs: number, stdout: number, stderr: number): string {
  const { argv, cwd, env, user, stdin, pty, timeoutMs, maxOutputBytes } = spec;
  return JSON.stringify({
    argv,
    cwd,
    env,
    user,
    stdin,
    pty: pty && { cols: pty.columns, rows: pty.rows },
    timeoutMs,
    maxOutputBytes,
    graceMs,
    stdout,
    stderr,
  });
}

/** @throws `internal` (reason `protocol`). */
export function parseStarted(payload: Uint8Array): Started {
  const fields = new Fields("STARTED", parseJson("STARTED", payload));
  return { pid: fields.integer("pid", 0, 2 ** 31 - 1), stdin: fields.integer("stdin") };
}

/** @throws `internal` (reason `protocol`). */
export function parseExit(payload: Uint8Array): Exit {
  const fields = new Fields("EXIT", parseJson("EXIT", payload));
  const exitCode = fields.nullable("exitCode", () => fields.integer("exitCode", 0, 255));
  const signal = signalField(fields, "signal");
  if ((exitCode === null) === (signal === null)) throw protocolError("EXIT has not exactly one of exitCode and signal");
  return {
    exitCode,
    signal,
    timedOut: fields.boolean("timedOut"),
    oomKilled: fields.boolean("oomKilled"),
    durationMs: fields.number("durationMs"),
    stdoutBytes: fields.integer("stdoutBytes"),
    stderrBytes: fields.integer("stderrBytes"),
    treeAlive: fields.boolean("treeAlive"),
  };
}
