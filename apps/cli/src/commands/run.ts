import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import { type ExecOptions, PodkitError, RUN_PREFIX, type Session } from "podkit";
import { attach, wantsTty } from "../attach.js";
import { type ConfigFlags, toConfig, toEnv, toMilliseconds, toMismatch } from "../flags.js";
import type { CommonFlags, Io } from "../io.js";
import { warnOfLeftovers } from "../leftovers.js";
import { type SessionFlags, takeSession } from "../session-ref.js";
import { exitCodeOf, SignalRelay, signalCode } from "../signals.js";
import { printJson, withPodkit } from "../with-podkit.js";

/** Flags of a command that is run, in `run` and `exec`. */
export interface CommandFlags extends CommonFlags, SessionFlags {
  readonly env?: readonly string[] | undefined;
  readonly workdir?: string | undefined;
  readonly runAs?: string | undefined;
  readonly timeout?: string | undefined;
  readonly tty?: boolean | undefined;
}

/** Flags of `run`. */
export interface RunFlags extends CommandFlags, ConfigFlags {
  readonly file?: readonly string[] | undefined;
  readonly onMismatch?: string | undefined;
}

/** A command in a container of its own that is removed afterwards, or in a session that is named and kept. */
export async function run(argv: readonly string[], flags: RunFlags, io: Io): Promise<number> {
  const named = flags.user !== undefined || flags.session !== undefined;
  const id = named ? takeSession([], flags).id : { userId: "run", sessionId: randomBytes(12).toString("hex") };
  const config = { ...(named ? {} : { autoRemove: true }), ...toConfig(flags) };
  const prefix = flags.prefix ?? (named ? undefined : RUN_PREFIX);
  const onConfigMismatch = toMismatch(flags.onMismatch);
  const files = (flags.file ?? []).map(toFile);
  checkCommand(argv, flags, io);
  return withPodkit({ ...flags, prefix }, io, async ({ podkit }) =>
    interruptible(async (relay) => {
      const warned = named ? () => undefined : warnOfLeftovers(podkit.events, flags, io);
      const session = await podkit.getSession({ ...id, config, onConfigMismatch, signal: relay.signal });
      try {
        for (const { local, path } of files) await session.files.upload(local, path, { signal: relay.signal });
        return await runIn(session, argv, flags, io, relay);
      } finally {
        if (!named) await session[Symbol.asyncDispose]();
        warned();
      }
    }),
  );
}

/** Runs a command in a session, with this program's streams, or with its result as JSON. Gives its exit code. */
export async function runIn(
  session: Session,
  argv: readonly string[],
  flags: CommandFlags,
  io: Io,
  relay: SignalRelay,
): Promise<number> {
  const tty = flags.json !== true && wantsTty(flags.tty, io);
  const options = toExecOptions(flags, io, tty);
  if (flags.json !== true) return attach({ session, argv, options, tty, io, relay });
  const stdin = io.stdin.isTTY === true ? undefined : io.stdin;
  const result = await session.executeCommand(argv, {
    ...options,
    stdin: stdin === undefined ? undefined : bytesOf(stdin),
    signal: relay.signal,
  });
  stdin?.unref?.();
  printJson(io, result);
  return exitCodeOf(result);
}

/** Runs what a signal may interrupt: then 128 and its number is the exit code. */
export async function interruptible(work: (relay: SignalRelay) => Promise<number>): Promise<number> {
  const relay = new SignalRelay();
  try {
    return await work(relay);
  } catch (error) {
    if (relay.interruptedBy !== undefined && PodkitError.is(error, "aborted")) return signalCode(relay.interruptedBy);
    throw error;
  } finally {
    relay.stop();
  }
}

/** @throws `invalid_argument` before anything is made. */
export function checkCommand(argv: readonly string[], flags: CommandFlags, io: Io): void {
  if (argv.length === 0) {
    throw new PodkitError("invalid_argument", "Which command? It stands after --, such as: -- python main.py.", {
      details: { field: "command" },
    });
  }
  toExecOptions(flags, io, false);
}

function toExecOptions(
  flags: CommandFlags,
  io: Io,
  tty: boolean,
): Pick<ExecOptions, "cwd" | "env" | "user" | "timeoutMs"> {
  const { TERM } = io.env;
  return {
    cwd: flags.workdir,
    env: { ...(tty && TERM !== undefined ? { TERM } : {}), ...toEnv(flags.env, io.env) },
    user: flags.runAs,
    timeoutMs: flags.timeout === undefined ? undefined : toMilliseconds("--timeout", flags.timeout),
  };
}

function toFile(text: string): { readonly local: string; readonly path: string } {
  const at = text.lastIndexOf(":");
  const local = at < 1 ? text : text.slice(0, at);
  return { local, path: at < 1 || at === text.length - 1 ? basename(local) : text.slice(at + 1) };
}

async function* bytesOf(stdin: Io["stdin"]): AsyncGenerator<Uint8Array> {
  for await (const chunk of stdin) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}
