import {
  abortedError,
  type Clock,
  type ExecExit,
  type ExecHandle,
  PodkitError,
  type SpawnExit,
  type SpawnedCommand,
  type TerminalSize,
} from "@podkit/core";
import { parseSignal, parseTerminalSize } from "./command.js";
import { InputStream } from "./input-stream.js";
import type { OutputStream } from "./output-stream.js";
import type { SpawnObserver } from "./spawn.js";

/** How long disposal waits for a command that was ended. */
const DISPOSE_TIMEOUT_MS = 10_000;

/** What a {@link Spawned} is made of. */
export interface SpawnedParts {
  /** What it does, for messages. */
  readonly doing: string;
  readonly handle: ExecHandle;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly observer: SpawnObserver;
}

/** A command that was started by `spawn`. */
export class Spawned implements SpawnedCommand {
  readonly pid: number;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly #handle: ExecHandle;
  readonly #clock: Clock;
  readonly #end: Promise<SpawnExit>;
  /** Its end was seen. */
  #ended = false;

  constructor(parts: SpawnedParts) {
    this.#handle = parts.handle;
    this.#clock = parts.clock;
    this.pid = parts.handle.pid;
    this.stdin = new InputStream(parts.handle);
    this.stdout = parts.stdout;
    this.stderr = parts.stderr;
    this.#end = this.#watch(parts);
    this.#end.catch(() => undefined);
  }

  /**
   * Sends a signal to its process group; `SIGKILL` ends its whole tree. Fine after the end.
   * @throws `invalid_argument`
   */
  async kill(signal = "SIGTERM"): Promise<void> {
    const name = parseSignal(signal);
    if (!this.#ended) await this.#handle.kill(name);
  }

  /**
   * How it ended, once its output went to its streams.
   * @throws `aborted`, `exec_lost` where its end cannot be known any more, `not_found` where its container was replaced.
   */
  async wait(): Promise<SpawnExit> {
    try {
      return await this.#end;
    } catch (error) {
      if (PodkitError.is(error, "aborted")) throw error;
      // What became of it may be known better by now: its container may have been replaced.
      return toSpawnExit(await this.#handle.wait());
    }
  }

  /** @throws `invalid_argument`; `invalid_state` where it has no terminal. */
  async resize(size: TerminalSize): Promise<void> {
    await this.#handle.resize(parseTerminalSize("size", size));
  }

  /** Ends its whole tree where it still runs. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const gone = this.#handle.kill("SIGKILL").then(
      () => this.#end,
      () => undefined,
    );
    // Nobody reads any more: its end must not wait for a reader.
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy();
    await this.#atMost(
      gone.then(
        () => undefined,
        () => undefined,
      ),
    );
  }

  async #watch({ doing, signal, observer }: SpawnedParts): Promise<SpawnExit> {
    try {
      const exit = await this.#exitOrAbort(doing, signal);
      this.#ended = true;
      this.stdout.finish();
      this.stderr.finish();
      this.stdin.destroy();
      observer.onExit?.(exit);
      return toSpawnExit(exit);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(reason);
      observer.onLost?.(error);
      throw error;
    }
  }

  #exitOrAbort(doing: string, signal: AbortSignal | undefined): Promise<ExecExit> {
    const ending = this.#handle.wait();
    if (signal === undefined) return ending;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        reject(abortedError(doing, signal.reason));
        this.#handle.kill("SIGKILL").catch(() => undefined);
      };
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      ending.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    });
  }

  #atMost(work: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(DISPOSE_TIMEOUT_MS, resolve, { hold: true });
      void work.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}

function toSpawnExit({ exitCode, signal, timedOut, oomKilled, durationMs }: ExecExit): SpawnExit {
  return { exitCode, signal, timedOut, oomKilled, durationMs };
}
