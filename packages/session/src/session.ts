import {
  type CallOptions,
  type Clock,
  type EventBus,
  type ExecOptions,
  type ExecResult,
  type FileContent,
  type FileInfo,
  type LogChunk,
  type LogOptions,
  PodkitError,
  type Sandbox,
  type SandboxInfo,
  type SessionApi,
  type SpawnedCommand,
  type SpawnOptions,
  systemClock,
  type WriteFileOptions,
} from "@podkit/core";
import { spawn } from "@podkit/processes";
import { SessionEvents } from "./events.js";
import { execute } from "./execute.js";
import { Files } from "./files.js";
import { Ports } from "./ports.js";

/** What a {@link Session} is made of. */
export interface SessionParts {
  readonly sandbox: Sandbox;
  readonly events: EventBus;
  readonly clock?: Clock | undefined;
  /** Called once, when the session was closed. */
  readonly onClosed?: (() => void) | undefined;
}

/** What a user holds: commands, files and ports of one identity, whichever container that has at the moment. */
export class Session implements SessionApi {
  readonly userId: string;
  readonly sessionId: string;
  readonly files: Files;
  readonly ports: Ports;
  readonly #sandbox: Sandbox;
  readonly #events: SessionEvents;
  readonly #clock: Clock;
  readonly #onClosed: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #closed = false;

  constructor(parts: SessionParts) {
    this.#sandbox = parts.sandbox;
    this.#clock = parts.clock ?? systemClock;
    this.#onClosed = parts.onClosed;
    this.userId = parts.sandbox.identity.userId;
    this.sessionId = parts.sandbox.identity.sessionId;
    this.#events = new SessionEvents({ events: parts.events, clock: this.#clock, id: parts.sandbox.identity });
    this.files = new Files(() => this.#open().files);
    this.ports = new Ports({ sandbox: () => this.#open(), clock: this.#clock });
  }

  /** As with text below, and gives output as bytes. */
  executeCommand(
    command: string | readonly string[],
    options: ExecOptions & { readonly encoding: "buffer" },
  ): Promise<ExecResult<Uint8Array>>;
  /**
   * Runs a command to its end: a string by `/bin/sh -c`, an array as it is. A code other than 0 and a timeout are results, unless
   * `check` is true. A stopped container is started again before.
   * @throws `invalid_argument` before anything runs; `aborted` at once, and the whole tree is ended; `exec_lost` where its end cannot be
   * known; {@link ExecFailedError} and {@link ExecTimeoutError} with `check: true`; what a callback or the source of stdin threw.
   */
  executeCommand(
    command: string | readonly string[],
    options?: ExecOptions & { readonly encoding?: "utf8" | undefined },
  ): Promise<ExecResult<string>>;
  executeCommand(command: string | readonly string[], options?: ExecOptions): Promise<ExecResult<string>>;
  async executeCommand(
    command: string | readonly string[],
    options: ExecOptions = {},
  ): Promise<ExecResult<string | Uint8Array>> {
    return execute(this.#open(), command, options);
  }

  /**
   * Starts a command and gives its streams. It is never cut off by the idle stop, and holds the event loop while it runs.
   * @throws as `executeCommand`.
   */
  async spawn(command: string | readonly string[], options?: SpawnOptions): Promise<SpawnedCommand> {
    return spawn({ target: this.#open(), command, options, clock: this.#clock, ...this.#events.observer() });
  }

  /** Writes the whole file or nothing; missing folders are made. A relative path is under the config's `workingDir`. */
  async writeFile(path: string, content: FileContent, options?: WriteFileOptions): Promise<FileInfo> {
    return this.files.write(path, content, options);
  }

  /** The container as it is now; starts none. @throws `not_found` where it is gone. */
  async info(options?: CallOptions): Promise<SandboxInfo> {
    return this.#open().info(options);
  }

  /** What the container's own program wrote; starts no container. */
  logs(options?: LogOptions): AsyncIterable<LogChunk> {
    return this.#open().logs(options);
  }

  /** Ends everything inside and the container; files stay, and the next command starts it again. Stopped already is fine. */
  async stop(options?: CallOptions): Promise<void> {
    await this.#open().stop(options);
  }

  /** Freezes everything inside; commands are `invalid_state` until `resume`. Paused already is fine. */
  async pause(options?: CallOptions): Promise<void> {
    await this.#open().pause(options);
  }

  /** Lets everything go on that was paused. Running already is fine. @throws `invalid_state` where it is stopped. */
  async resume(options?: CallOptions): Promise<void> {
    await this.#open().resume(options);
  }

  /**
   * Removes the container, and keeps the host's workspace and named volumes. Calling it twice is fine; every other method is
   * `invalid_state` from now on. Where the removal failed, the next call tries it again.
   */
  close(options?: CallOptions): Promise<void> {
    this.#closing ??= this.#remove(options).catch((error: unknown) => {
      this.#closing = undefined;
      throw error;
    });
    return this.#closing;
  }

  /** Closes it. Never throws, so that it hides no error of the block: a failure is the event `container.removalFailed`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => undefined);
  }

  #open(): Sandbox {
    if (!this.#closed) return this.#sandbox;
    throw new PodkitError(
      "invalid_state",
      `The session ${this.sessionId} of ${this.userId} was closed. Open it again to go on.`,
      {
        details: { userId: this.userId, sessionId: this.sessionId },
      },
    );
  }

  async #remove(options: CallOptions | undefined): Promise<void> {
    this.#closed = true;
    this.#events.closing();
    await this.#sandbox.remove(options);
    await this.#sandbox.release();
    this.#events.closed();
    this.#onClosed?.();
  }
}
