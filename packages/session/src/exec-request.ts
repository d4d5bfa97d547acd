import { type ExecOptions, type ExecSpec, PodkitError, quote, refuseUnknownFields } from "@podkit/core";
import { parseCommand } from "@podkit/processes";

/** Cap of each stream where none is given. */
export const DEFAULT_MAX_OUTPUT_BYTES = 8 * 1024 * 1024;

/** The largest cap: both streams of it fit into memory as text. */
export const LARGEST_MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

const EXEC_OPTIONS: Readonly<Record<keyof ExecOptions, true>> = {
  cwd: true,
  env: true,
  user: true,
  stdin: true,
  timeoutMs: true,
  signal: true,
  check: true,
  encoding: true,
  maxOutputBytes: true,
  onStdout: true,
  onStderr: true,
};

/** A checked command, and what this side does with its output. */
export interface ExecRequest {
  readonly spec: ExecSpec;
  /** Cap of each stream in bytes. */
  readonly cap: number;
}

/**
 * Checks everything that was given for a command.
 * @throws `invalid_argument` before any side effect.
 */
export function parseExecRequest(command: string | readonly string[], options: ExecOptions): ExecRequest {
  refuseUnknownFields("options", options, EXEC_OPTIONS);
  const base = parseCommand(command, {
    cwd: options.cwd,
    env: options.env,
    user: options.user,
    timeoutMs: options.timeoutMs,
  });
  const cap = options.maxOutputBytes === undefined ? DEFAULT_MAX_OUTPUT_BYTES : parseCap(options.maxOutputBytes);
  checkStdin(options.stdin);
  checkCallback("onStdout", options.onStdout);
  checkCallback("onStderr", options.onStderr);
  if (options.encoding !== undefined && options.encoding !== "utf8" && options.encoding !== "buffer") {
    refuse("encoding", `encoding ${quote(options.encoding)} cannot be used: it takes "utf8" or "buffer".`);
  }
  // A caller who listens shall see every byte, under backpressure; then the cap is kept on this side.
  const listens = options.onStdout !== undefined || options.onStderr !== undefined;
  return {
    cap,
    spec: Object.freeze({ ...base, stdin: options.stdin !== undefined, maxOutputBytes: listens ? null : cap }),
  };
}

function parseCap(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= LARGEST_MAX_OUTPUT_BYTES)
    return value;
  return refuse(
    "maxOutputBytes",
    `maxOutputBytes ${quote(value)} cannot be used: it takes whole bytes from 0 to ${LARGEST_MAX_OUTPUT_BYTES}.`,
  );
}

function checkStdin(stdin: unknown): void {
  if (stdin === undefined || typeof stdin === "string" || stdin instanceof Uint8Array) return;
  if (typeof stdin === "object" && stdin !== null && Symbol.asyncIterator in stdin) return;
  refuse("stdin", "stdin takes a text, a Uint8Array or an async iterable of Uint8Arrays.");
}

function checkCallback(field: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") refuse(field, `${field} takes a function.`);
}

function refuse(field: string, message: string): never {
  throw new PodkitError("invalid_argument", message, { details: { field } });
}
