import { constants } from "node:os";
import type { SpawnExit, SpawnedCommand } from "podkit";

const RELAYED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** How often Ctrl-C is passed on before the command is ended by force. */
const PATIENCE = 3;

/** The shells' convention: 128 and the signal's number. */
export function signalCode(signal: string): number {
  const found = Object.entries(constants.signals).find(([name]) => name === signal);
  return 128 + (found?.[1] ?? 0);
}

/** Exit code for how a command ended: its own; 124 at its timeout, as timeout(1); 128 and the number of the signal that ended it. */
export function exitCodeOf({
  exitCode,
  signal,
  timedOut,
}: Pick<SpawnExit, "exitCode" | "signal" | "timedOut">): number {
  if (timedOut) return 124;
  return exitCode ?? signalCode(signal ?? "");
}

/** Takes this program's signals: before the command runs they end the preparation, then they are the command's. */
export class SignalRelay {
  readonly #controller = new AbortController();
  #command: Pick<SpawnedCommand, "kill"> | undefined;
  #count = 0;
  /** The signal that ended the preparation. */
  interruptedBy: NodeJS.Signals | undefined;

  constructor() {
    for (const signal of RELAYED) process.on(signal, this.#listener);
  }

  /** Given where a signal comes before the command runs. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From now on signals are this command's. */
  passTo(command: Pick<SpawnedCommand, "kill">): void {
    this.#command = command;
  }

  stop(): void {
    for (const signal of RELAYED) process.removeListener(signal, this.#listener);
  }

  readonly #listener = (signal: NodeJS.Signals): void => {
    if (this.#command === undefined) {
      this.interruptedBy ??= signal;
      this.#controller.abort(new Error(`the program got ${signal}`));
      return;
    }
    this.#count += 1;
    const passed = this.#count >= PATIENCE ? "SIGKILL" : signal;
    // How it ended is told by its exit; a signal that came too late is no failure.
    this.#command.kill(passed).catch(() => undefined);
  };
}
