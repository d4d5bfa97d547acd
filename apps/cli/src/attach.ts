import { pipeline } from "node:stream/promises";
import type { Session, SpawnedCommand, SpawnOptions } from "podkit";
import type { Io } from "./io.js";
import { BROKEN_PIPE, isBrokenPipe } from "./report.js";
import { exitCodeOf, type SignalRelay } from "./signals.js";

/** What {@link attach} takes. */
export interface AttachRequest {
  readonly session: Session;
  readonly argv: readonly string[];
  readonly options: SpawnOptions;
  /** The command gets a terminal, and this one passes every key on. */
  readonly tty: boolean;
  readonly io: Io;
  readonly relay: SignalRelay;
}

/** Runs a command as if it ran here: its streams are this program's. Gives its exit code. */
export async function attach({ session, argv, options, tty, io, relay }: AttachRequest): Promise<number> {
  const pty = tty ? { columns: io.stdout.columns || 80, rows: io.stdout.rows || 24 } : undefined;
  await using command = await session.spawn(argv, { ...options, pty });
  relay.passTo(command);
  const input = feed(command, io.stdin, tty);
  const window = tty ? followSize(command, io.stdout) : { stop: () => undefined };
  try {
    await Promise.all([copy(command.stdout, io.stdout), copy(command.stderr, io.stderr)]);
    return exitCodeOf(await command.wait());
  } catch (error) {
    if (isBrokenPipe(error)) return BROKEN_PIPE;
    throw error;
  } finally {
    input.stop();
    window.stop();
  }
}

/** True where both ends are a terminal, unless told otherwise. */
export function wantsTty(flag: boolean | undefined, io: Io): boolean {
  return flag ?? (io.stdin.isTTY === true && io.stdout.isTTY === true);
}

async function copy(from: SpawnedCommand["stdout"], to: Io["stdout"]): Promise<void> {
  await pipeline(from, to, { end: false });
}

function feed(command: SpawnedCommand, stdin: Io["stdin"], tty: boolean): { stop(): void } {
  const raw = tty && stdin.isTTY === true;
  if (raw) stdin.setRawMode(true);
  stdin.pipe(command.stdin);
  return {
    stop: () => {
      stdin.unpipe(command.stdin);
      if (raw) stdin.setRawMode(false);
      // What is left unread must not keep this program alive.
      stdin.pause();
      stdin.unref?.();
    },
  };
}

function followSize(command: SpawnedCommand, stdout: Io["stdout"]): { stop(): void } {
  const onResize = (): void => {
    command.resize({ columns: stdout.columns, rows: stdout.rows }).catch(() => undefined);
  };
  stdout.on("resize", onResize);
  return { stop: () => stdout.removeListener("resize", onResize) };
}
