import { PodkitError, type Timer } from "@podkit/core";
import type { ActiveTime } from "./active-time.js";

/** Milliseconds without any progress after which a transfer is given up. */
const STALL_MS = 60_000;

/** Watches that a transfer gets on while something is waited for; one timer for the whole of it. */
export class StallWatch {
  readonly #time: ActiveTime;
  readonly #doing: string;
  readonly #stalled: (error: PodkitError) => void;
  #timer: Timer;
  /** Since when the other side is waited for; undefined while it is not. */
  #since: number | undefined;

  constructor(time: ActiveTime, doing: string, stalled: (error: PodkitError) => void) {
    this.#time = time;
    this.#doing = doing;
    this.#stalled = stalled;
    this.#timer = this.#arm(STALL_MS);
  }

  /** The other side's turn. */
  wait(): void {
    this.#since = this.#time.now();
  }

  /** Our own turn, or the caller's: that may take as long as it likes. */
  rest(): void {
    this.#since = undefined;
  }

  stop(): void {
    this.#timer.cancel();
  }

  #arm(ms: number): Timer {
    return this.#time.after(ms, () => {
      const waited = this.#since === undefined ? 0 : this.#time.now() - this.#since;
      if (waited < STALL_MS) this.#timer = this.#arm(STALL_MS - waited);
      else this.#stalled(stallError(this.#doing));
    });
  }
}

function stallError(doing: string): PodkitError {
  return new PodkitError("timeout", `${doing} did not get on for ${STALL_MS} ms; try again.`, {
    retryable: true,
    details: { timeoutMs: STALL_MS },
  });
}
