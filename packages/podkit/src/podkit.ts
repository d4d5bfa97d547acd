import { DockerBackend, type DockerBackendOptions } from "@podkit/backend-docker";
import {
  type Backend,
  type BeforeCreate,
  type CallOptions,
  type Clock,
  type ContainerConfig,
  DEFAULT_PREFIX,
  type EngineInfo,
  EventBus,
  type ExecResult,
  type Logger,
  type OnConfigMismatch,
  PodkitError,
  parsePrefix,
  refuseUnknownFields,
  requireObject,
  type SandboxSummary,
  type SessionId,
} from "@podkit/core";
import { ContainerManager } from "@podkit/manager";
import { type Session, SessionManager } from "@podkit/session";
import { type RunOptions, runOnce } from "./run.js";

/** What {@link createPodkit} takes. Everything is optional. */
export interface PodkitOptions {
  /** How Docker is reached. Default: `DOCKER_HOST`, the docker context, the usual sockets. */
  readonly docker?: DockerBackendOptions | undefined;
  /** Another engine's backend in place of Docker's; closed by `shutdown`. */
  readonly backend?: Backend | undefined;
  /** Tells this application's containers from others'. Default `podkit`. */
  readonly prefix?: string | undefined;
  /** Folder of this machine under which each session gets its own, mounted at its working folder. Default: none. */
  readonly workspace?: string | undefined;
  /** Where the engine finds that folder, where it is another machine's. Default: `workspace`. */
  readonly workspaceHost?: string | undefined;
  /** Image where a config names none. */
  readonly defaultImage?: string | undefined;
  /** May change each configuration before a container is made. */
  readonly beforeCreate?: BeforeCreate | undefined;
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
  /** Where events go. Default: a bus of its own. */
  readonly events?: EventBus | undefined;
}

/** Where sessions are looked for, if elsewhere than the instance's own options say. */
export interface Scope {
  readonly prefix?: string | undefined;
  readonly workspace?: string | undefined;
  readonly workspaceHost?: string | undefined;
}

/** Which session, and how it is made where it is not there. */
export interface SessionRequest extends SessionId, Scope, CallOptions {
  /** Absent: as it is, or the defaults where there is none. */
  readonly config?: ContainerConfig | undefined;
  /** Where the session is there with another configuration. Default `error`. */
  readonly onConfigMismatch?: OnConfigMismatch | undefined;
}

const REQUEST_FIELDS: Readonly<Record<keyof SessionRequest, true>> = {
  userId: true,
  sessionId: true,
  config: true,
  onConfigMismatch: true,
  prefix: true,
  workspace: true,
  workspaceHost: true,
  signal: true,
};

/** Backend, managers and events of one engine, wired. */
export class Podkit implements AsyncDisposable {
  readonly events: EventBus;
  /** Listens to one kind of event, or to all with `*`. Gives back a function that lets go. */
  readonly on: EventBus["on"];
  readonly #options: PodkitOptions;
  readonly #backend: Backend;
  readonly #sessions = new Map<string, { readonly manager: ContainerManager; readonly sessions: SessionManager }>();
  #closing: Promise<void> | undefined;

  constructor(options: PodkitOptions = {}) {
    const { logger, clock } = options;
    this.#options = options;
    this.events = options.events ?? new EventBus(logger === undefined ? {} : { logger });
    this.on = this.events.on.bind(this.events);
    this.#backend = options.backend ?? new DockerBackend({ logger, clock, ...options.docker });
    // Refused here, and not by the first call.
    if (options.prefix !== undefined) parsePrefix(options.prefix);
  }

  /** The engine that answers. @throws `unavailable` where none does. */
  connect(options?: CallOptions & { readonly timeoutMs?: number | undefined }): Promise<EngineInfo> {
    return this.#backend.connect(options);
  }

  /**
   * Makes the session, or continues it: its container runs when this settles.
   * @throws `invalid_argument` before anything is made; `conflict` where it is there with another configuration; `unavailable` where
   * the engine does not answer.
   */
  async getSession(request: SessionRequest): Promise<Session> {
    refuseUnknownFields("request", request, REQUEST_FIELDS);
    const { prefix, workspace, workspaceHost, ...rest } = request;
    return this.#scope({ prefix, workspace, workspaceHost }).sessions.createSession(rest);
  }

  /** The session where there is one; nothing is made or started. @throws `not_found` */
  async findSession(request: SessionId & Scope & CallOptions): Promise<Session> {
    const { userId, sessionId, signal, ...scope } = request;
    return this.#scope(scope).sessions.getSession({ userId, sessionId }, { signal });
  }

  /** All sessions of the prefix, running or not. */
  async list(options: Pick<Scope, "prefix"> & CallOptions = {}): Promise<SandboxSummary[]> {
    return this.#scope({ prefix: options.prefix }).manager.list({ signal: options.signal });
  }

  /** As with text below, and gives output as bytes. */
  run(
    command: string | readonly string[],
    options: RunOptions & { readonly encoding: "buffer" },
  ): Promise<ExecResult<Uint8Array>>;
  /** Runs one command in a container of its own, which is removed afterwards in any case. See `runInDocker`. */
  run(command: string | readonly string[], options?: RunOptions): Promise<ExecResult<string>>;
  async run(command: string | readonly string[], options: RunOptions = {}): Promise<ExecResult<string | Uint8Array>> {
    requireObject("options", options);
    return runOnce((prefix) => this.#scope({ prefix }).sessions, command, options);
  }

  /** Lets go of all connections; removes nothing. Idempotent; afterwards every other method is `invalid_state`. */
  shutdown(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #close(): Promise<void> {
    const all = [...this.#sessions.values()];
    this.#sessions.clear();
    const results = await Promise.allSettled(all.map(({ sessions }) => sessions.shutdown()));
    await this.#backend.close();
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  #scope(scope: Scope): { readonly manager: ContainerManager; readonly sessions: SessionManager } {
    if (this.#closing !== undefined)
      throw new PodkitError("invalid_state", "This podkit was shut down. Make another one to go on.");
    const prefix = parsePrefix(scope.prefix ?? this.#options.prefix ?? DEFAULT_PREFIX);
    const workspace = scope.workspace ?? this.#options.workspace;
    const workspaceHost = scope.workspaceHost ?? this.#options.workspaceHost;
    const key = JSON.stringify([prefix, workspace, workspaceHost]);
    const there = this.#sessions.get(key);
    if (there !== undefined) return there;
    const { defaultImage, beforeCreate, logger, clock } = this.#options;
    const manager = new ContainerManager({
      backend: this.#backend,
      events: this.events,
      prefix,
      workspace,
      workspaceHost,
      defaultImage,
      beforeCreate,
      logger,
      clock,
    });
    const made = { manager, sessions: new SessionManager({ runtime: manager, defaultImage, logger, clock }) };
    this.#sessions.set(key, made);
    return made;
  }
}

/** Wires backend, managers and events for one engine. Nothing is asked of it before the first call. */
export function createPodkit(options: PodkitOptions = {}): Podkit {
  return new Podkit(options);
}
