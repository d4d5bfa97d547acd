const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What is told where the program is asked to end. */
export interface Interrupt {
  /** Given with the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Lets go. Where one came that nobody else listens to, it has its usual effect now: the program ends by it. */
  done(): void;
}

/** What is needed of the program itself. */
export interface SignalTarget {
  readonly pid: number;
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  removeListener(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  listenerCount(signal: NodeJS.Signals): number;
  kill(pid: number, signal: NodeJS.Signals): unknown;
}

/** Defers the first signal that asks the program to end until {@link Interrupt.done}, so that something can be cleared away before. */
export function onInterrupt(target: SignalTarget = process): Interrupt {
  const controller = new AbortController();
  let came: NodeJS.Signals | undefined;
  const listener = (signal: NodeJS.Signals): void => {
    // A second one is not held back.
    for (const name of SIGNALS) target.removeListener(name, listener);
    came = signal;
    controller.abort(new Error(`the program got ${signal}`));
  };
  for (const name of SIGNALS) target.on(name, listener);
  return {
    signal: controller.signal,
    done: () => {
      for (const name of SIGNALS) target.removeListener(name, listener);
      if (came !== undefined && target.listenerCount(came) === 0) target.kill(target.pid, came);
    },
  };
}
