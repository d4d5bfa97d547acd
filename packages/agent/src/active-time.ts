import { abortedError, type Clock, type Timer, throwIfAborted, timeoutError } from "@podkit/core";

/** How often a timer that is due looks again while time is suspended. */
const SUSPENDED_POLL_MS = 250;

/** Time that does not pass while a container is paused: deadlines on its answers are measured in it. */
export class ActiveTime {
  readonly #clock: Clock;
  #suspendedAt: number | undefined;
  #suspendedMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get suspended(): boolean {
    return this.#suspendedAt !== undefined;
  }

  /** Milliseconds that passed, from any beginning. */
  now(): number {
    return (this.#suspendedAt ?? this.#clock.now()) - this.#suspendedMs;
  }

  suspend(): void {
    this.#suspendedAt ??= this.#clock.now();
  }

  resume(): void {
    if (this.#suspendedAt === undefined) return;
    this.#suspendedMs += this.#clock.now() - this.#suspendedAt;
    this.#suspendedAt = undefined;
  }

  /** Calls `run` once `ms` milliseconds have passed that were not suspended. It holds the event loop where `hold` is true. */
  after(ms: number, run: () => void, options?: { readonly hold?: boolean }): Timer {
    const until = this.now() + ms;
    let timer: Timer;
    const arm = (wait: number): void => {
      timer = this.#clock.after(wait, check, options);
    };
    const check = (): void => {
      const left = until - this.now();
      if (this.suspended) arm(Math.max(left, SUSPENDED_POLL_MS));
      else if (left > 1) arm(left);
      else run();
    };
    arm(ms);
    return { cancel: () => timer.cancel() };
  }

  /**
   * Runs `work` with a signal that is given at the deadline or at the caller's abort, and rejects at once then.
   * @throws `aborted`, `timeout`, and whatever `work` throws.
   */
  async bounded<T>(doing: string, limits: Limits, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal, timeoutMs } = limits;
    throwIfAborted(doing, signal);
    const controller = new AbortController();
    let end = (_error: Error): void => undefined;
    const ended = new Promise<never>((_, reject) => {
      end = (error) => {
        reject(error);
        controller.abort(error);
      };
    });
    const onAbort = (): void => end(abortedError(doing, signal?.reason));
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer =
      timeoutMs === undefined
        ? undefined
        : this.after(timeoutMs, () => end(timeoutError(doing, timeoutMs)), { hold: true });
    const running = work(controller.signal);
    running.catch(() => undefined);
    try {
      return await Promise.race([running, ended]);
    } finally {
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

/** What ends a wait. */
export interface Limits {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that were not suspended. */
  readonly timeoutMs?: number | undefined;
}
