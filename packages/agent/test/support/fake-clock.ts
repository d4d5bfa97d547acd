import type { Clock, Timer } from "@podkit/core";

/** A clock that goes on only where a test says so. */
export class FakeClock implements Clock {
  #now = 1_000_000;
  /** Timers that were ever made. */
  made = 0;
  readonly #timers = new Set<{ at: number; run: () => void }>();

  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Timer {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    this.made += 1;
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Lets time pass; what is due runs in order, with a turn of the event loop after each. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = end;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
