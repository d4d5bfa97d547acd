import {
  type CallOptions,
  type Clock,
  type DeadlineOptions,
  type ExecHandle,
  type ExecSinks,
  type ExecSpec,
  type Logger,
  type PodkitError,
  silentLogger,
  systemClock,
  throwIfAborted,
} from "@podkit/core";
import { Connector } from "./connector.js";
import { ExecCall } from "./exec-call.js";
import type { AgentLink } from "./link.js";
import type { AgentHello } from "./models.js";

const GRACE_MS = 4_000;
const PING_MS = 10_000;

/** What a client is made of. */
export interface AgentClientOptions {
  readonly link: AgentLink;
  /** Milliseconds during which a cut stream is opened again. Default 4 000. */
  readonly reconnectGraceMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  /** Milliseconds between signs of life while calls are under way. Default 10 000. */
  readonly pingIntervalMs?: number | undefined;
}

/**
 * Speaks to the agent of one container over one connection, which is made again where it is cut. An idle client keeps no event
 * loop alive; a call under way and a running command do.
 */
export class AgentClient {
  readonly #connector: Connector;
  readonly #running = new Set<ExecCall>();

  constructor({ link, reconnectGraceMs, clock, logger, pingIntervalMs }: AgentClientOptions) {
    this.#connector = new Connector({
      link,
      graceMs: reconnectGraceMs ?? GRACE_MS,
      clock: clock ?? systemClock,
      logger: logger ?? silentLogger,
      pingIntervalMs: pingIntervalMs ?? PING_MS,
    });
    this.#connector.onTick(() => {
      for (const call of this.#running) call.check();
    });
  }

  /**
   * Opens the first stream and shakes hands: one attempt, which the caller repeats. Connected already is fine.
   * @throws `invalid_state` with `details.reason: "agent_version"` where the agent speaks another protocol; `unavailable`,
   * `timeout` (default 30 000 ms), `aborted`, and what the link throws.
   */
  connect(options: DeadlineOptions = {}): Promise<AgentHello> {
    return this.#connector.connect(options);
  }

  /**
   * Starts a command; settles once it runs. Its output goes to the sinks from then on. An abort, now or later, ends its whole
   * tree; then `wait()` rejects with `aborted`.
   * @throws What the agent answers, such as `not_found` for a missing `cwd`; `exec_lost` where its start cannot be known.
   */
  async exec(spec: ExecSpec, sinks: ExecSinks, options: CallOptions = {}): Promise<ExecHandle> {
    throwIfAborted("Running a command", options.signal);
    const call = new ExecCall({
      connector: this.#connector,
      spec,
      sinks,
      signal: options.signal,
      onSettled: (settled) => this.#running.delete(settled),
    });
    const handle = call.start();
    this.#running.add(call);
    return handle;
  }

  /** Calls `listener` once, when the container was confirmed gone, or no stream could be opened within the grace. */
  onGone(listener: (error: PodkitError) => void): () => void {
    return this.#connector.onGone(listener);
  }

  /** Lets go of the connection; the container goes on. Commands under way end as `exec_lost`. Idempotent. */
  async close(): Promise<void> {
    this.#connector.close();
  }
}
