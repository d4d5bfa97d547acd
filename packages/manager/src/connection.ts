import type { AgentLink } from "@podkit/agent";
import {
  type Backend,
  type ByteStream,
  type Clock,
  type DeadlineOptions,
  type Logger,
  PodkitError,
  withDeadline,
} from "@podkit/core";
import type { AgentFactory, AgentPort } from "./agent-port.js";
import { sleep } from "./core.js";

/** How long one question to the engine may take while a connection is looked after, in ms. */
const LINK_TIMEOUT_MS = 15_000;
const PAUSED_POLL_MS = 250;

/** A container's agent, and how it is reached. */
export interface ConnectionTarget {
  readonly containerId: string;
  readonly containerName: string;
  /** What bridges a stream to the agent. */
  readonly argv: readonly string[];
}

/** One holder's share of a container's connection. */
export interface Lease {
  readonly containerId: string;
  readonly agent: AgentPort;
  /** False once the container was confirmed gone, or the connection was dropped. */
  readonly alive: boolean;
  /** Another share of the same connection. */
  share(): Lease;
  /** Gives the share back; the last one closes the connection. Idempotent. */
  release(): void;
}

interface Entry {
  readonly agent: AgentPort;
  readonly ready: Promise<unknown>;
  readonly controller: AbortController;
  shares: number;
  alive: boolean;
}

/** What connections are made with. */
export interface ConnectionsOptions {
  readonly backend: Backend;
  readonly createAgent: AgentFactory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reconnectGraceMs: number | undefined;
}

/** The agents' clients, one for each container, shared by all who use it. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #paused = new Set<string>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** A share of the container's connection, once it stands. Callers at once share one handshake. */
  async acquire(target: ConnectionTarget, options: DeadlineOptions): Promise<Lease> {
    const entry = this.#entries.get(target.containerId) ?? this.#connect(target);
    const lease = this.#lease(target.containerId, entry);
    try {
      await withDeadline(`Connecting to the agent of ${target.containerName}`, options, () => entry.ready);
      return lease;
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /** A share of a connection that stands already; undefined where there is none. */
  peek(containerId: string): Lease | undefined {
    const entry = this.#entries.get(containerId);
    return entry === undefined ? undefined : this.#lease(containerId, entry);
  }

  /** Forgets a container's connection: whoever still uses it is told that it is gone. */
  drop(containerId: string): void {
    const entry = this.#entries.get(containerId);
    if (entry !== undefined) this.#end(containerId, entry);
    this.#paused.delete(containerId);
  }

  /** Remembers that this manager paused a container, or resumed it. */
  setPaused(containerId: string, paused: boolean): void {
    const agent = this.#entries.get(containerId)?.agent;
    if (paused) {
      this.#paused.add(containerId);
      agent?.suspend();
    } else {
      this.#paused.delete(containerId);
      agent?.resumeLink();
    }
  }

  /** True where this manager knows that the container is paused. */
  isPaused(containerId: string): boolean {
    return this.#paused.has(containerId);
  }

  async close(): Promise<void> {
    const agents = [...this.#entries.values()].map(({ agent }) => agent);
    for (const containerId of [...this.#entries.keys()]) this.drop(containerId);
    await Promise.allSettled(agents.map((agent) => agent.close()));
  }

  #connect(target: ConnectionTarget): Entry {
    const { createAgent, clock, logger, reconnectGraceMs } = this.#options;
    const controller = new AbortController();
    const grace = reconnectGraceMs === undefined ? {} : { reconnectGraceMs };
    const agent = createAgent({ link: this.#link(target), ...grace, clock, logger });
    const ready = agent.connect({ signal: controller.signal });
    const entry: Entry = { agent, ready, controller, shares: 0, alive: true };
    this.#entries.set(target.containerId, entry);
    agent.onGone(() => this.#end(target.containerId, entry));
    ready.catch(() => this.#end(target.containerId, entry));
    return entry;
  }

  #end(containerId: string, entry: Entry): void {
    if (this.#entries.get(containerId) === entry) this.#entries.delete(containerId);
    if (!entry.alive) return;
    entry.alive = false;
    entry.controller.abort(new PodkitError("aborted", "The connection to the agent was let go of."));
    entry.agent
      .close()
      .catch((error: unknown) => this.#options.logger.debug("closing an agent's connection failed", { error }));
  }

  #lease(containerId: string, entry: Entry): Lease {
    entry.shares += 1;
    let held = true;
    return {
      containerId,
      agent: entry.agent,
      get alive() {
        return entry.alive && held;
      },
      share: () => this.#lease(containerId, entry),
      release: () => {
        if (!held) return;
        held = false;
        entry.shares -= 1;
        if (entry.shares === 0) this.#end(containerId, entry);
      },
    };
  }

  #link({ containerId, argv }: ConnectionTarget): AgentLink {
    const { backend } = this.#options;
    let stood = false;
    return {
      open: async ({ signal }) => {
        const options = { signal, timeoutMs: LINK_TIMEOUT_MS };
        try {
          const stream = await backend.openStream(containerId, argv, options);
          stood = true;
          return stream;
        } catch (error) {
          // Somebody else paused it: the agent is well, and its commands must not be given up.
          if (stood && PodkitError.is(error, "invalid_state") && (await this.#isPausedNow(containerId, signal))) {
            return await this.#openAfterPause(containerId, argv, signal);
          }
          throw error;
        }
      },
      isGone: async () => {
        try {
          const { state } = await backend.inspect(containerId, { timeoutMs: LINK_TIMEOUT_MS });
          return state === "stopped" || state === "created";
        } catch (error) {
          return PodkitError.is(error, "not_found");
        }
      },
    };
  }

  async #openAfterPause(containerId: string, argv: readonly string[], signal: AbortSignal): Promise<ByteStream> {
    this.setPaused(containerId, true);
    try {
      while (await this.#isPausedNow(containerId, signal)) await sleep(this.#options.clock, PAUSED_POLL_MS, { signal });
    } finally {
      this.setPaused(containerId, false);
    }
    return await this.#options.backend.openStream(containerId, argv, { signal, timeoutMs: LINK_TIMEOUT_MS });
  }

  async #isPausedNow(containerId: string, signal: AbortSignal): Promise<boolean> {
    return (
      (await this.#options.backend.inspect(containerId, { signal, timeoutMs: LINK_TIMEOUT_MS })).state === "paused"
    );
  }
}
