import { type CallOptions, PodkitError, throwIfAborted, withDeadline } from "@podkit/core";

interface Flight<T, W> {
  readonly wanted: W;
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  riders: number;
}

/** What a rider finds when a flight has landed. */
export interface Landing<T, W> {
  readonly result: T;
  /** What the flight's starter wanted. */
  readonly wanted: W;
  /** True for the rider who started it. */
  readonly led: boolean;
}

/** One piece of work for each key at a time, shared by all who want it; it is aborted once nobody waits for it any more. */
export class Flights<T, W> {
  readonly #flights = new Map<string, Flight<T, W>>();
  readonly #dispose: (result: T) => void;

  /** @param dispose Called with a result once everybody who rode has taken what they need of it. */
  constructor(dispose: (result: T) => void) {
    this.#dispose = dispose;
  }

  /**
   * Joins the work under way for `key`, or starts it. `use` takes what the rider needs before the result is disposed of; `failed` decides what
   * becomes of a failure of somebody else's flight.
   */
  async ride<R>(
    key: string,
    doing: string,
    options: CallOptions,
    wanted: W,
    launch: (signal: AbortSignal) => Promise<T>,
    use: (landing: Landing<T, W>) => R,
    failed: (error: unknown, of: W) => R,
  ): Promise<R> {
    throwIfAborted(doing, options.signal);
    let found = this.#flights.get(key);
    // One that was aborted cannot be joined: its cleaning up is waited for. Nothing may be awaited between the last look and the launch.
    while (found?.controller.signal.aborted === true) {
      await withDeadline(doing, options, () => settled(found?.promise));
      found = this.#flights.get(key);
    }
    const led = found === undefined;
    const flight = found ?? this.#launch(key, wanted, launch);
    flight.riders += 1;
    try {
      const landing = await this.#land(flight, doing, options, led);
      return "result" in landing
        ? use({ result: landing.result, wanted: flight.wanted, led })
        : failed(landing.error, flight.wanted);
    } finally {
      flight.riders -= 1;
      if (flight.riders === 0) this.#leave(flight);
    }
  }

  /** Aborts everything under way and waits until it has cleaned up. */
  async close(): Promise<void> {
    const flights = [...this.#flights.values()];
    for (const { controller } of flights) controller.abort(new PodkitError("aborted", "The manager was closed."));
    await Promise.allSettled(flights.map(({ promise }) => promise));
  }

  /** The result, or the failure of somebody else's flight; an own failure and an abort are thrown. */
  async #land(
    flight: Flight<T, W>,
    doing: string,
    options: CallOptions,
    led: boolean,
  ): Promise<{ result: T } | { error: unknown }> {
    try {
      return { result: await withDeadline(doing, options, () => flight.promise) };
    } catch (error) {
      if (led || options.signal?.aborted === true) throw error;
      return { error };
    }
  }

  #launch(key: string, wanted: W, launch: (signal: AbortSignal) => Promise<T>): Flight<T, W> {
    const controller = new AbortController();
    const promise = launch(controller.signal).finally(() => this.#flights.delete(key));
    promise.catch(() => undefined);
    const flight: Flight<T, W> = { wanted, promise, controller, riders: 0 };
    this.#flights.set(key, flight);
    return flight;
  }

  #leave(flight: Flight<T, W>): void {
    flight.controller.abort(new PodkitError("aborted", "Nobody waits for it any more."));
    flight.promise.then(this.#dispose, () => undefined);
  }
}

async function settled(promise: Promise<unknown> | undefined): Promise<void> {
  await Promise.allSettled([promise]);
}
