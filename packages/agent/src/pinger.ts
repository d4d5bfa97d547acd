import type { Timer } from "@podkit/core";
import type { ActiveTime } from "./active-time.js";
import type { Connection } from "./connection.js";

/** Milliseconds that an agent has to answer a ping. */
const PING_DEADLINE_MS = 5_000;

/** What a pinger is made of. */
export interface PingerOptions {
  readonly time: ActiveTime;
  readonly intervalMs: number;
  /** True while calls are under way. */
  readonly active: () => boolean;
  /** The connection to ping; undefined while there is none. */
  readonly current: () => Connection | undefined;
  /** Called where no answer came in time. */
  readonly silent: (connection: Connection) => Promise<void>;
}

/**
 * Pings the agent while calls are under way: that keeps idle streams alive and finds dead ones. One timer serves all calls, and
 * it stops by itself, so that a short call costs none.
 */
export class Pinger {
  readonly #options: PingerOptions;
  readonly #ticks: (() => void)[] = [];
  #timer: Timer | undefined;
  #waiting: Timer | undefined;

  constructor(options: PingerOptions) {
    this.#options = options;
  }

  onTick(tick: () => void): void {
    this.#ticks.push(tick);
  }

  /** Calls began: pings go out from the next interval on. */
  start(): void {
    this.#timer ??= this.#options.time.after(this.#options.intervalMs, () => {
      this.#timer = undefined;
      if (!this.#options.active()) return;
      const connection = this.#options.current();
      if (connection !== undefined) this.#ping(connection);
      for (const tick of this.#ticks) tick();
      this.start();
    });
  }

  #ping(connection: Connection): void {
    if (this.#waiting !== undefined) return;
    const { time, silent } = this.#options;
    this.#waiting = time.after(PING_DEADLINE_MS, () => {
      this.#waiting = undefined;
      void silent(connection);
    });
    connection.ping(() => {
      this.#waiting?.cancel();
      this.#waiting = undefined;
    });
  }
}
