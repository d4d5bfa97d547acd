import { type CallOptions, withDeadline } from "@podkit/core";

/** Lets only so many pieces of work run at once; the others wait in order. */
export class Turns {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs `work` when it is its turn. @throws `aborted` where the signal is given before that. */
  async take<T>(doing: string, options: CallOptions, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limit) this.#running += 1;
    else await this.#wait(doing, options);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  async #wait(doing: string, options: CallOptions): Promise<void> {
    let enter: () => void = () => undefined;
    const turn = new Promise<void>((resolve) => {
      enter = resolve;
    });
    this.#waiting.push(enter);
    try {
      await withDeadline(doing, options, () => turn);
    } catch (error) {
      const index = this.#waiting.indexOf(enter);
      if (index >= 0) this.#waiting.splice(index, 1);
      // The turn came at the very moment of the abort: it goes to the next.
      else (this.#waiting.shift() ?? (() => this.#leave()))();
      throw error;
    }
  }

  #leave(): void {
    this.#running -= 1;
  }
}
