import {
  type CallOptions,
  type Clock,
  type ContainerConfig,
  type ExecOptions,
  type ExecResult,
  type FileContent,
  type FileInfo,
  type Logger,
  type OnConfigMismatch,
  PodkitError,
  parseId,
  type Runtime,
  refuseUnknownFields,
  type Sandbox,
  type SessionId,
  silentLogger,
  systemClock,
  throwIfAborted,
  type WriteFileOptions,
} from "@podkit/core";
import { SessionEvents } from "./events.js";
import { parseExecRequest } from "./exec-request.js";
import { Session } from "./session.js";

/** What a {@link SessionManager} is made of. */
export interface SessionManagerOptions {
  /** What makes and finds containers, such as a `ContainerManager`. `shutdown` closes it. */
  readonly runtime: Runtime;
  /** Image where a config names none. Default: the runtime's. */
  readonly defaultImage?: string | undefined;
  /** Default: writes nothing. */
  readonly logger?: Logger | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** What `createSession` takes. */
export interface CreateSessionRequest extends SessionId, CallOptions {
  /** Absent: as it is, or the defaults where there is none. */
  readonly config?: ContainerConfig | undefined;
  /** Where the session is there with another configuration. Default `error`. */
  readonly onConfigMismatch?: OnConfigMismatch | undefined;
}

const REQUEST_FIELDS: Readonly<Record<keyof CreateSessionRequest, true>> = {
  userId: true,
  sessionId: true,
  config: true,
  onConfigMismatch: true,
  signal: true,
};

/** Makes, finds and closes sessions by their ids. */
export class SessionManager {
  readonly #options: SessionManagerOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Sessions that this manager opened last and that were not closed, by their ids. */
  readonly #sessions = new Map<string, Session>();
  #stopping: Promise<void> | undefined;

  constructor(options: SessionManagerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
  }

  /**
   * Continues the session of these ids, whether it runs, rests or is paused, or makes it. It runs when this settles.
   * @throws `invalid_argument` before anything is made; `conflict` where it is there with another configuration; what the runtime
   * throws. An abort rejects at once; what was half made is removed.
   */
  async createSession(request: CreateSessionRequest): Promise<Session> {
    this.#check();
    refuseUnknownFields("request", request, REQUEST_FIELDS);
    const { config, onConfigMismatch, signal } = request;
    const id = parseIds(request);
    throwIfAborted(`Opening the session ${id.sessionId} of ${id.userId}`, signal);
    const { events } = this.#options.runtime;
    const own = new SessionEvents({ events, clock: this.#clock, id });
    let made = false;
    const unlisten = events.on("container.created", (event) => {
      made ||= event.userId === id.userId && event.sessionId === id.sessionId;
    });
    try {
      const sandbox = await this.#options.runtime.open(
        { ...id, config, onConfigMismatch, defaultImage: this.#options.defaultImage },
        { signal },
      );
      const session = this.#hold(sandbox);
      own.created(!made);
      return session;
    } catch (error) {
      this.#logger.debug("opening a session failed", { ...id, error });
      own.creationFailed(error);
      throw error;
    } finally {
      unlisten();
    }
  }

  /**
   * The session of these ids where there is one; nothing is made or started.
   * @throws `not_found`
   */
  async getSession(id: SessionId, options: CallOptions = {}): Promise<Session> {
    this.#check();
    const ids = parseIds(id);
    const held = this.#sessions.get(key(ids));
    if (held !== undefined) return held;
    const sandbox = await this.#options.runtime.find(ids, options);
    if (sandbox !== null) return this.#hold(sandbox);
    throw new PodkitError(
      "not_found",
      `There is no session ${ids.sessionId} of ${ids.userId}. Make it with createSession.`,
      { details: { ...ids } },
    );
  }

  /** As with text below, and gives output as bytes. */
  executeCommand(
    id: SessionId,
    command: string | readonly string[],
    options: ExecOptions & { readonly encoding: "buffer" },
  ): Promise<ExecResult<Uint8Array>>;
  /** Runs a command in a session that is there. @throws `not_found`, and as `Session.executeCommand`. */
  executeCommand(
    id: SessionId,
    command: string | readonly string[],
    options?: ExecOptions,
  ): Promise<ExecResult<string>>;
  async executeCommand(
    id: SessionId,
    command: string | readonly string[],
    options: ExecOptions = {},
  ): Promise<ExecResult<string | Uint8Array>> {
    parseExecRequest(command, options);
    const session = await this.getSession(id, { signal: options.signal });
    return session.executeCommand(command, options);
  }

  /** Writes a file in a session that is there. @throws `not_found`, and as `Session.writeFile`. */
  async writeFile(
    id: SessionId,
    path: string,
    content: FileContent,
    options: WriteFileOptions = {},
  ): Promise<FileInfo> {
    const session = await this.getSession(id, { signal: options.signal });
    return session.writeFile(path, content, options);
  }

  /** Removes a session's container; one that is not there is fine. */
  async closeSession(id: SessionId, options: CallOptions = {}): Promise<void> {
    try {
      const session = await this.getSession(id, options);
      await session.close(options);
    } catch (error) {
      if (!PodkitError.is(error, "not_found")) throw error;
    }
  }

  /** Lets go of all connections; removes nothing. Idempotent; afterwards every other method is `invalid_state`. */
  shutdown(): Promise<void> {
    this.#stopping ??= this.#options.runtime.close();
    this.#sessions.clear();
    return this.#stopping;
  }

  /** As `shutdown`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #hold(sandbox: Sandbox): Session {
    const at = key(sandbox.identity);
    const session: Session = new Session({
      sandbox,
      events: this.#options.runtime.events,
      clock: this.#clock,
      onClosed: () => {
        if (this.#sessions.get(at) === session) this.#sessions.delete(at);
      },
    });
    this.#sessions.set(at, session);
    return session;
  }

  #check(): void {
    if (this.#stopping === undefined) return;
    throw new PodkitError("invalid_state", "This session manager was shut down. Make another one to go on.");
  }
}

function parseIds({ userId, sessionId }: SessionId): SessionId {
  return { userId: parseId("userId", userId), sessionId: parseId("sessionId", sessionId) };
}

function key({ userId, sessionId }: SessionId): string {
  // No id has a slash.
  return `${userId}/${sessionId}`;
}
