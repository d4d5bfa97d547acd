import type { Clock } from "@podkit/core";
import type { AgentLink } from "./link.js";

/**
 * Delays between questions: an engine notices an end some time after its streams did, and a cut that is mended at once costs
 * it no question.
 */
const DELAYS_MS = [25, 60, 150, 300, 500];
const LAST_DELAY_MS = 700;
/** An engine that does not answer within this is not known to have lost anything. */
const ANSWER_MS = 5_000;

/** What a watch is made of. */
export interface GoneWatchOptions {
  readonly link: AgentLink;
  readonly clock: Clock;
  /** Called once, when the engine confirms that the container does not run. */
  readonly confirmed: () => void;
}

/** Asks the engine whether the container still runs, while its agent cannot be reached. */
export class GoneWatch {
  readonly #options: GoneWatchOptions;
  readonly #ended = new AbortController();

  constructor(options: GoneWatchOptions) {
    this.#options = options;
  }

  /** Given once nothing is to be waited for any more. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Asks again and again until the function that it gives back is called. */
  start(): () => void {
    let running = true;
    void this.#ask((turn) => (running ? (DELAYS_MS[turn] ?? LAST_DELAY_MS) : undefined), true);
    return () => {
      running = false;
    };
  }

  /** Asks a few times, without holding the event loop: nobody waits. */
  look(): void {
    void this.#ask((turn) => DELAYS_MS[turn], false);
  }

  /** Asks once; false where it is not known. */
  async isGone(): Promise<boolean> {
    const gone = await this.#answer();
    if (gone && !this.signal.aborted) this.#options.confirmed();
    return gone;
  }

  /** Settles after `ms`, or once the watch ended. */
  sleep(ms: number, hold = true): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        timer.cancel();
        this.signal.removeEventListener("abort", settle);
        resolve();
      };
      const timer = this.#options.clock.after(ms, settle, { hold });
      if (this.signal.aborted) settle();
      else this.signal.addEventListener("abort", settle, { once: true });
    });
  }

  end(reason: unknown): void {
    this.#ended.abort(reason);
  }

  /** What the engine says; false where it fails or takes too long. */
  #answer(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ANSWER_MS, () => resolve(false), { hold: true });
      const settle = (answer: boolean): void => {
        timer.cancel();
        resolve(answer);
      };
      this.#options.link.isGone().then(settle, () => settle(false));
    });
  }

  async #ask(delay: (turn: number) => number | undefined, hold: boolean): Promise<void> {
    for (let turn = 0; !this.signal.aborted; turn += 1) {
      const ms = delay(turn);
      if (ms === undefined) return;
      await this.sleep(ms, hold);
      if (delay(turn) === undefined || (await this.isGone())) return;
    }
  }
}
