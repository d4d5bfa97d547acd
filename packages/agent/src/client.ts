import {
  type CallOptions,
  type Clock,
  type DeadlineOptions,
  type ExecHandle,
  type ExecSinks,
  type ExecSpec,
  type FileSystem,
  type ListeningPort,
  type Logger,
  type PodkitError,
  type ProcessTable,
  silentLogger,
  systemClock,
  throwIfAborted,
} from "@podkit/core";
import { Caller, nothing } from "./caller.js";
import { Connector } from "./connector.js";
import { ExecCall } from "./exec-call.js";
import { AgentFiles } from "./files.js";
import type { AgentLink } from "./link.js";
import { type AgentHello, type AgentStatus, parsePorts, parseStatus } from "./models.js";
import { checkInteger } from "./paths.js";
import { AgentProcesses } from "./processes.js";

const GRACE_MS = 4_000;
const PING_MS = 10_000;
const SHUTDOWN_GRACE_MS = 2_000;

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
  readonly #caller: Caller;
  readonly #running = new Set<ExecCall>();
  readonly files: FileSystem;
  readonly processes: ProcessTable;

  constructor({ link, reconnectGraceMs, clock, logger, pingIntervalMs }: AgentClientOptions) {
    this.#connector = new Connector({
      link,
      graceMs: reconnectGraceMs ?? GRACE_MS,
      clock: clock ?? systemClock,
      logger: logger ?? silentLogger,
      pingIntervalMs: pingIntervalMs ?? PING_MS,
    });
    this.#caller = new Caller(this.#connector);
    this.files = new AgentFiles(this.#caller);
    this.processes = new AgentProcesses(this.#caller);
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

  /** TCP ports that something in the container listens on. */
  async listPorts({ signal }: CallOptions = {}): Promise<ListeningPort[]> {
    const request = { doing: "Listing ports", method: "GET", path: "/v1/ports", signal };
    return this.#caller.ask(request, parsePorts, { idempotent: true });
  }

  /** What the agent does at the moment; asking is no activity. Default timeout 30 000 ms. */
  async status({ signal, timeoutMs }: DeadlineOptions = {}): Promise<AgentStatus> {
    const request = { doing: "Asking the agent for its status", method: "GET", path: "/v1/status", signal };
    return this.#caller.ask(request, parseStatus, {
      idempotent: true,
      ...(timeoutMs === undefined ? undefined : { timeoutMs }),
    });
  }

  /**
   * Asks everything inside to end, with TERM and after `graceMs` (default 2 000) with KILL; then the container ends with
   * {@link AGENT_EXIT}`.asked`. Settles once the agent took it on.
   */
  async shutdown({ signal, graceMs }: CallOptions & { readonly graceMs?: number } = {}): Promise<void> {
    const json = { reason: "asked", graceMs: checkInteger("graceMs", graceMs, 0) ?? SHUTDOWN_GRACE_MS };
    const request = { doing: "Stopping the container", method: "POST", path: "/v1/shutdown", json, signal };
    await this.#caller.ask(request, nothing);
  }

  /** The container is about to be paused: pings and deadlines stand still. */
  suspend(): void {
    this.#connector.time.suspend();
  }

  /** The container goes on: so do pings and deadlines. */
  resumeLink(): void {
    this.#connector.time.resume();
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
