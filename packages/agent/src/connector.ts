import { type Clock, type DeadlineOptions, type Logger, PodkitError, withDeadline } from "@podkit/core";
import { ActiveTime } from "./active-time.js";
import type { Connection } from "./connection.js";
import { GoneWatch } from "./gone-watch.js";
import { type Shaken, shakeHands } from "./handshake.js";
import type { AgentLink } from "./link.js";
import type { AgentHello } from "./models.js";
import { Pinger } from "./pinger.js";

const CONNECT_TIMEOUT_MS = 30_000;
/** One attempt to connect again; a stuck engine shall not use up the whole grace. */
const ATTEMPT_MS = 3_000;
const FIRST_DELAY_MS = 20;
const MAX_DELAY_MS = 400;

/** What a connector is made of. */
export interface ConnectorOptions {
  readonly link: AgentLink;
  /** Milliseconds during which it tries to connect again. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pingIntervalMs: number;
}

/** Keeps one connection to the agent, and makes another where it is cut: one at a time, for all calls. */
export class Connector {
  readonly time: ActiveTime;
  readonly graceMs: number;
  readonly #link: AgentLink;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #watch: GoneWatch;
  readonly #pinger: Pinger;
  readonly #goneListeners = new Set<(error: PodkitError) => void>();
  #current: Shaken | undefined;
  #opening: Promise<Shaken> | undefined;
  #ended: PodkitError | undefined;
  #calls = 0;

  constructor({ link, graceMs, clock, logger, pingIntervalMs }: ConnectorOptions) {
    this.time = new ActiveTime(clock);
    this.graceMs = graceMs;
    this.#link = link;
    this.#clock = clock;
    this.#logger = logger;
    this.#watch = new GoneWatch({ link, clock, confirmed: () => this.#end(goneError()) });
    this.#pinger = new Pinger({
      time: this.time,
      intervalMs: pingIntervalMs,
      active: () => this.#calls > 0 && this.#ended === undefined,
      current: () => this.#current?.connection,
      silent: (connection) => this.#silent(connection),
    });
  }

  /** The connection, where there is one that can be used now. */
  get usable(): Shaken | undefined {
    return this.#current?.connection.usable === true ? this.#current : undefined;
  }

  /** Why nothing can be asked any more; undefined while it can. */
  get ended(): PodkitError | undefined {
    return this.#ended;
  }

  /** Opens the first connection: one attempt, which the caller repeats. */
  async connect(options: DeadlineOptions): Promise<AgentHello> {
    if (this.#ended !== undefined) throw this.#ended;
    const limits = { ...options, timeoutMs: options.timeoutMs ?? CONNECT_TIMEOUT_MS };
    this.begin();
    try {
      const shaken =
        this.usable ??
        (await withDeadline("Connecting to the agent", limits, (signal) => this.#opening ?? this.#shake(signal)));
      return shaken.hello;
    } finally {
      this.end();
    }
  }

  /**
   * The connection, made again where it was cut. Callers at once share one attempt.
   * @throws `unavailable` with `details.reason` `gone` or `unreachable`; `invalid_state` after `close`.
   */
  acquire(): Promise<Shaken> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const { usable } = this;
    if (usable !== undefined) return Promise.resolve(usable);
    this.#opening ??= this.#reopen().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** A call begins: the event loop is held until as many have ended. */
  begin(): void {
    this.#calls += 1;
    if (this.#calls > 1) return;
    this.#current?.connection.ref();
    this.#pinger.start();
  }

  end(): void {
    this.#calls -= 1;
    if (this.#calls === 0) this.#current?.connection.unref();
  }

  /**
   * Holds the event loop for something that nobody waits for but that should still get out: until the function that it gives back
   * is called, and for `ms` at most.
   */
  linger(ms: number): () => void {
    this.begin();
    let lingering = true;
    const leave = (): void => {
      if (!lingering) return;
      lingering = false;
      timer.cancel();
      this.end();
    };
    const timer = this.#clock.after(ms, leave, { hold: true });
    return leave;
  }

  /** The agent broke its protocol over this connection: it is not used any more. */
  violated(connection: Connection, error: unknown): void {
    this.#logger.warn("the agent broke its protocol; its connection is closed", { error });
    connection.destroy();
  }

  /** Calls `tick` every so often while calls are under way. */
  onTick(tick: () => void): void {
    this.#pinger.onTick(tick);
  }

  /** Calls `listener` once, when the container is gone or cannot be reached within the grace. */
  onGone(listener: (error: PodkitError) => void): () => void {
    this.#goneListeners.add(listener);
    return () => {
      this.#goneListeners.delete(listener);
    };
  }

  close(): void {
    this.#goneListeners.clear();
    this.#end(
      new PodkitError(
        "invalid_state",
        "The connection to the agent was closed by this program; open the session again to go on.",
        {
          details: { reason: "closed" },
        },
      ),
    );
  }

  async #shake(signal: AbortSignal): Promise<Shaken> {
    const shaken = await shakeHands(this.#link, signal, (connection) => this.#lost(connection));
    if (this.#ended !== undefined || signal.aborted) {
      shaken.connection.destroy();
      throw this.#ended ?? signal.reason;
    }
    const { usable } = this;
    if (usable !== undefined) {
      shaken.connection.destroy();
      return usable;
    }
    if (this.#calls === 0) shaken.connection.unref();
    this.#current = shaken;
    return shaken;
  }

  async #reopen(): Promise<Shaken> {
    const until = this.time.now() + this.graceMs;
    const stop = this.#watch.start();
    try {
      for (let delay = FIRST_DELAY_MS; ; delay = Math.min(delay * 2, MAX_DELAY_MS)) {
        const failure = await this.#attempt();
        if (this.#ended !== undefined) throw this.#ended;
        if (!PodkitError.is(failure)) return failure;
        if (failure.details["reason"] === "agent_version") throw failure;
        if (this.time.now() + delay >= until) {
          throw this.#end(unreachableError(this.graceMs, failure));
        }
        await this.#watch.sleep(delay);
      }
    } finally {
      stop();
    }
  }

  /** One attempt to connect again; gives its failure back. */
  async #attempt(): Promise<Shaken | PodkitError> {
    const limits = { timeoutMs: ATTEMPT_MS, signal: this.#watch.signal };
    try {
      return await this.time.bounded("Connecting to the agent again", limits, (signal) => this.#shake(signal));
    } catch (error) {
      this.#logger.debug("connecting to the agent again failed", { error });
      return PodkitError.is(error) ? error : new PodkitError("unavailable", String(error), { cause: error });
    }
  }

  #lost(connection: Connection): void {
    if (this.#current?.connection !== connection) return;
    this.#current = undefined;
    this.#logger.debug("the connection to the agent ended", { calls: this.#calls, error: connection.failure });
    if (this.#calls === 0 && this.#ended === undefined) this.#watch.look();
  }

  async #silent(connection: Connection): Promise<void> {
    if (!connection.usable || (await this.#watch.isGone())) return;
    this.#logger.warn("the agent did not answer a ping; connecting again", {});
    connection.destroy();
  }

  #end(error: PodkitError): PodkitError {
    if (this.#ended !== undefined) return this.#ended;
    this.#ended = error;
    this.#watch.end(error);
    this.#current?.connection.destroy();
    const listeners = [...this.#goneListeners];
    this.#goneListeners.clear();
    for (const listener of listeners) listener(error);
    return error;
  }
}

function goneError(): PodkitError {
  return new PodkitError(
    "unavailable",
    "The container does not run any more: the engine confirms it. The next call makes it run again.",
    {
      details: { reason: "gone" },
    },
  );
}

function unreachableError(graceMs: number, cause: PodkitError): PodkitError {
  return new PodkitError(
    "unavailable",
    `The agent in the container could not be reached again within ${graceMs} ms: ${cause.message} Try again once the engine answers.`,
    { cause, details: { reason: "unreachable" } },
  );
}
