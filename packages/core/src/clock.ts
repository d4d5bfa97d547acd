/** A timer that can be let go of. */
export interface Timer {
  /** Stops the timer. Calling it twice is fine. */
  cancel(): void;
}

/** Time as podkit sees it; injected, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after `ms` milliseconds. Where `hold` is false (the default) the timer keeps no event loop alive. */
  after(ms: number, run: () => void, options?: { readonly hold?: boolean }): Timer;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run, options) {
    const timer = setTimeout(run, ms);
    if (options?.hold !== true) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
