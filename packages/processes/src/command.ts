import { type ExecSpec, PodkitError, quote, type TerminalSize } from "@podkit/core";

/** What a command and its options come to: the part of an {@link ExecSpec} that every kind of command has. */
export type CommandSpec = Pick<ExecSpec, "argv" | "cwd" | "env" | "user" | "timeoutMs" | "pty">;

/** Options that every kind of command takes. */
export interface CommandOptions {
  /** Relative to the config's `workingDir`, its default. At most 4096 bytes. */
  readonly cwd?: string | undefined;
  /** Names without `=` and NUL, values without NUL. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Name, uid, `uid:gid` or `name:group`. */
  readonly user?: string | undefined;
  /** Milliseconds, more than 0 and at most 2 147 483 647. */
  readonly timeoutMs?: number | undefined;
  /** 1 to 65535 columns and rows. */
  readonly pty?: TerminalSize | undefined;
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const MAX_PATH_BYTES = 4096;
const USER = /^(?:[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?|[0-9]{1,10})(?::(?:[A-Za-z_][A-Za-z0-9_.-]{0,63}|[0-9]{1,10}))?$/;
const SIGNAL = /^(SIG)?[A-Z][A-Z0-9+-]{0,15}$/;

function refuse(field: string, message: string): never {
  throw new PodkitError("invalid_argument", message, { details: { field } });
}

/**
 * Checks a command with its options; nothing is started. A string is for `/bin/sh -c`, an array is taken as it is.
 * @throws `invalid_argument` naming the field in `details.field`.
 */
export function parseCommand(command: string | readonly string[], options: CommandOptions = {}): CommandSpec {
  return {
    argv: parseArgv(command),
    cwd: options.cwd === undefined ? undefined : parsePath("cwd", options.cwd),
    env: options.env === undefined ? undefined : parseEnv(options.env),
    user: options.user === undefined ? undefined : parseUser(options.user),
    timeoutMs: options.timeoutMs === undefined ? undefined : parseTimeout("timeoutMs", options.timeoutMs),
    pty: options.pty === undefined ? undefined : parseTerminalSize("pty", options.pty),
  };
}

function parseArgv(command: unknown): readonly string[] {
  if (typeof command === "string") {
    if (command.trim() === "")
      refuse("command", 'The command is empty: it takes a text for the shell, or an array such as ["ls", "-l"].');
    return Object.freeze(["/bin/sh", "-c", withoutNul("command", command)]);
  }
  if (!Array.isArray(command)) refuse("command", "The command takes a text for the shell, or an array of texts.");
  if (command.length === 0 || command[0] === "")
    refuse("command", "The command is empty: its first element names the program.");
  return Object.freeze(command.map((part: unknown) => withoutNul("command", part)));
}

function withoutNul(field: string, value: unknown): string {
  if (typeof value !== "string") refuse(field, `${field} takes texts, not ${quote(typeof value)}.`);
  if (value.includes("\0")) refuse(field, `${field} ${quote(value)} has a NUL, which no program can be given.`);
  return value;
}

/**
 * Checks a path of the container: not empty, no NUL, at most 4096 bytes.
 * @throws `invalid_argument`
 */
export function parsePath(field: string, value: unknown): string {
  const path = withoutNul(field, value);
  if (path === "") refuse(field, `${field} is empty: it takes a path, absolute or relative to the working folder.`);
  if (path.length * 3 > MAX_PATH_BYTES && Buffer.byteLength(path) > MAX_PATH_BYTES) {
    refuse(field, `${field} ${quote(path)} is longer than ${MAX_PATH_BYTES} bytes.`);
  }
  return path;
}

/**
 * Checks an environment and gives a frozen copy.
 * @throws `invalid_argument` naming the variable, never its value.
 */
export function parseEnv(env: unknown): Readonly<Record<string, string>> {
  if (typeof env !== "object" || env === null || Array.isArray(env))
    refuse("env", "env takes an object of names and texts.");
  const copy: [string, string][] = [];
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || name.includes("=") || name.includes("\0")) {
      refuse("env", `The environment's name ${quote(name)} cannot be used: it must not be empty nor have = or NUL.`);
    }
    if (typeof value !== "string" || value.includes("\0")) {
      refuse("env", `The environment's ${quote(name)} cannot be used: its value must be a text without NUL.`);
    }
    copy.push([name, value]);
  }
  return Object.freeze(Object.fromEntries(copy));
}

/**
 * Checks a user: name, uid, `uid:gid` or `name:group`.
 * @throws `invalid_argument`
 */
export function parseUser(value: unknown): string {
  if (typeof value === "string" && USER.test(value)) return value;
  return refuse(
    "user",
    `user ${quote(value)} cannot be used: it takes a name, a uid, or either with a group as in "1000:1000".`,
  );
}

/**
 * Checks a time in milliseconds; a fraction is rounded up.
 * @throws `invalid_argument`
 */
export function parseTimeout(field: string, value: unknown): number {
  if (typeof value === "number" && value > 0 && value <= MAX_TIMEOUT_MS) return Math.ceil(value);
  return refuse(
    field,
    `${field} ${quote(value)} cannot be used: it takes milliseconds, more than 0 and at most ${MAX_TIMEOUT_MS}.`,
  );
}

/**
 * Checks a terminal's size.
 * @throws `invalid_argument`
 */
export function parseTerminalSize(field: string, size: TerminalSize): TerminalSize {
  for (const side of [size.columns, size.rows]) {
    if (!Number.isInteger(side) || side < 1 || side > 65_535)
      refuse(field, `${field} takes columns and rows from 1 to 65535, not ${quote(side)}.`);
  }
  return Object.freeze({ columns: size.columns, rows: size.rows });
}

/**
 * Checks a signal's name, such as `SIGTERM` or `TERM`.
 * @throws `invalid_argument`
 */
export function parseSignal(value: unknown): string {
  if (typeof value === "string" && SIGNAL.test(value)) return value;
  return refuse("signal", `signal ${quote(value)} cannot be used: it takes a name such as SIGTERM.`);
}

/** A command as it may stand in a message: one line, at most some 80 characters, in quotes. */
export function describeCommand(argv: readonly string[]): string {
  const script = argv.length === 3 && argv[0] === "/bin/sh" && argv[1] === "-c" ? argv[2] : undefined;
  return quote(script ?? argv.join(" "));
}
