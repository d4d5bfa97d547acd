import {
  abortedError,
  type Clock,
  type ExecExit,
  type ExecHandle,
  type ExecSpec,
  refuseUnknownFields,
  type Sandbox,
  type SpawnedCommand,
  type SpawnOptions,
  systemClock,
  throwIfAborted,
} from "@podkit/core";
import { describeCommand, parseCommand } from "./command.js";
import { OutputStream } from "./output-stream.js";
import { Spawned } from "./spawned.js";

const SPAWN_OPTIONS: Readonly<Record<keyof SpawnOptions, true>> = {
  cwd: true,
  env: true,
  user: true,
  timeoutMs: true,
  pty: true,
  signal: true,
};

/** What is told of a spawned command besides its handle. */
export interface SpawnObserver {
  /** It runs. */
  onStart?(pid: number): void;
  /** Its end was seen. */
  onExit?(exit: ExecExit): void;
  /** Its end was not seen: it was aborted, or lost with its container. */
  onLost?(error: unknown): void;
}

/** What {@link spawn} takes. */
export interface SpawnRequest extends SpawnObserver {
  /** Where it runs. */
  readonly target: Pick<Sandbox, "exec">;
  /** A string runs as `/bin/sh -c`, an array as it is. */
  readonly command: string | readonly string[];
  readonly options?: SpawnOptions | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Starts a command and gives its streams. Nothing of its output is dropped: up to 256 KiB per stream wait on this side, then the
 * command itself waits, as it would at a full pipe. So `wait()` of a command that writes more settles only where its streams are
 * read, or let go of with `resume()` or `destroy()`.
 *
 * `options.signal` ends the whole tree at any time; `wait()` and the streams then fail with `aborted`.
 * @throws `invalid_argument` before anything is started, `aborted`.
 */
export async function spawn(request: SpawnRequest): Promise<SpawnedCommand> {
  const { target, options = {}, clock = systemClock } = request;
  refuseUnknownFields("options", options, SPAWN_OPTIONS);
  const spec: ExecSpec = Object.freeze({
    ...parseCommand(request.command, options),
    stdin: true,
    maxOutputBytes: null,
  });
  const doing = `The command ${describeCommand(spec.argv)}`;
  throwIfAborted(doing, options.signal);
  const stdout = new OutputStream();
  const stderr = new OutputStream();
  const sinks = {
    onStdout: (chunk: Uint8Array) => stdout.accept(chunk),
    onStderr: (chunk: Uint8Array) => stderr.accept(chunk),
  };
  const handle = await started(doing, options.signal, target.exec(spec, sinks, { signal: options.signal }));
  request.onStart?.(handle.pid);
  return new Spawned({ doing, handle, stdout, stderr, clock, signal: options.signal, observer: request });
}

/** Waits for the start, or for the abort: a command that starts all the same is ended. */
async function started(
  doing: string,
  signal: AbortSignal | undefined,
  starting: Promise<ExecHandle>,
): Promise<ExecHandle> {
  if (signal === undefined) return starting;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(abortedError(doing, signal.reason));
      starting.then((handle) => handle.kill("SIGKILL")).catch(() => undefined);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    starting.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
