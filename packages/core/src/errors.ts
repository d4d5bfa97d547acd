import type { ExecResult } from "./exec.js";

/** Every code that a {@link PodkitError} can carry. */
export const ERROR_CODES = [
  "invalid_argument",
  "not_found",
  "already_exists",
  "conflict",
  "invalid_state",
  "unauthenticated",
  "permission_denied",
  "resource_exhausted",
  "unsupported",
  "unavailable",
  "timeout",
  "aborted",
  "exec_lost",
  "internal",
] as const;

/** What kind of failure a {@link PodkitError} reports. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Facts about a failure, safe to log: no secret ever stands here. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** What a {@link PodkitError} is made of. */
export interface PodkitErrorOptions {
  /** True where the same call may simply be tried again. Default: true for `unavailable`, else false. */
  readonly retryable?: boolean;
  /** Facts for programs and logs. */
  readonly details?: ErrorDetails;
  /** The failure beneath. */
  readonly cause?: unknown;
}

const BRAND = Symbol.for("podkit.error");

/** The one error class of podkit. Its message says what was tried, what happened and what to do next. */
export class PodkitError extends Error {
  /** What kind of failure this is. */
  readonly code: ErrorCode;
  /** True where the same call may simply be tried again. */
  readonly retryable: boolean;
  /** Facts for programs and logs. */
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: PodkitErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "PodkitError";
    this.code = code;
    this.retryable = options.retryable ?? code === "unavailable";
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }

  /**
   * Tells whether `error` is a podkit error, and of the given code where one is given. It also recognises errors of another
   * installed copy of podkit, where `instanceof` would not.
   */
  static is(error: unknown, code?: ErrorCode): error is PodkitError {
    if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
    return code === undefined || ("code" in error && error.code === code);
  }
}

/** A command ended with another code than 0, or by a signal, and `check: true` was asked for. */
export class ExecFailedError extends PodkitError {
  /** What the command gave until it ended. */
  readonly result: ExecResult<string | Uint8Array>;

  constructor(message: string, result: ExecResult<string | Uint8Array>, options: PodkitErrorOptions = {}) {
    super("invalid_state", message, {
      ...options,
      details: { exitCode: result.exitCode, signal: result.signal, ...options.details },
    });
    this.name = "ExecFailedError";
    this.result = result;
  }
}

/** A command was ended at its timeout, and `check: true` was asked for. */
export class ExecTimeoutError extends PodkitError {
  /** What the command gave until it was ended. */
  readonly result: ExecResult<string | Uint8Array>;

  constructor(message: string, result: ExecResult<string | Uint8Array>, options: PodkitErrorOptions = {}) {
    super("timeout", message, options);
    this.name = "ExecTimeoutError";
    this.result = result;
  }
}
