import { PodkitError } from "@podkit/core";
import type { ActiveTime } from "./active-time.js";

/** A stream that stood for so long was not cut by what cut the one before. */
const STEADY_MS = 1_000;
const DELAY_MS = 40;

/** How often and how long a command is attached to again before it is given up. */
export class Retries {
  readonly #time: ActiveTime;
  readonly #graceMs: number;
  /** When the present run of cuts began; undefined while there was none. */
  #since: number | undefined;
  #count = 0;
  #attachedAt = Number.POSITIVE_INFINITY;

  constructor(time: ActiveTime, graceMs: number) {
    this.#time = time;
    this.#graceMs = graceMs;
  }

  /** A stream stands. */
  attached(): void {
    this.#attachedAt = this.#time.now();
  }

  /** Something came that had not come before. */
  progress(): void {
    this.#since = undefined;
    this.#count = 0;
  }

  /** Settles when it is time for another attempt: at once for the first. @throws `unavailable` when it has been tried enough. */
  async next(): Promise<void> {
    const now = this.#time.now();
    if (now - this.#attachedAt >= STEADY_MS) this.progress();
    this.#attachedAt = Number.POSITIVE_INFINITY;
    this.#since ??= now;
    this.#count += 1;
    if (now - this.#since > this.#graceMs) {
      throw new PodkitError("unavailable", `its stream was cut again and again for ${this.#graceMs} ms.`, {
        details: { reason: "unreachable" },
      });
    }
    const delay = Math.min((this.#count - 1) * DELAY_MS, 400);
    if (delay > 0) await new Promise<void>((resolve) => this.#time.after(delay, resolve, { hold: true }));
  }
}
