import {
  abortedError,
  type ExecExit,
  type ExecHandle,
  type ExecOptions,
  type ExecResult,
  type ExecSinks,
  type Sandbox,
  throwIfAborted,
} from "@podkit/core";
import { describeCommand } from "@podkit/processes";
import { throwIfFailed } from "./exec-failure.js";
import { parseExecRequest } from "./exec-request.js";
import { type Collected, OutputCollector } from "./output-collector.js";
import { type Feed, feedStdin } from "./stdin.js";
import { decodeUtf8, orphanedHead, unfinishedTail } from "./utf8.js";

type Sink = (chunk: Uint8Array) => void | Promise<void>;

/** Runs one command to its end and collects what it wrote. See `SessionApi.executeCommand`. */
export async function execute(
  sandbox: Pick<Sandbox, "exec">,
  command: string | readonly string[],
  options: ExecOptions,
): Promise<ExecResult<string | Uint8Array>> {
  const { spec, cap } = parseExecRequest(command, options);
  const { signal } = options;
  if (signal !== undefined) throwIfAborted(`The command ${describeCommand(spec.argv)}`, signal);
  const stdout = new OutputCollector(cap);
  const stderr = new OutputCollector(cap);
  const guard = new Guard();
  const sinks: ExecSinks = {
    onStdout: sink(stdout, options.onStdout, guard),
    onStderr: sink(stderr, options.onStderr, guard),
  };
  const running = run(sandbox, spec, sinks, options, guard);
  const needsGuard =
    signal !== undefined ||
    options.stdin !== undefined ||
    options.onStdout !== undefined ||
    options.onStderr !== undefined;
  const exit = await (needsGuard ? guard.race(running, `The command ${describeCommand(spec.argv)}`, signal) : running);
  const result = toResult(exit, stdout, stderr, options.encoding === "buffer");
  if (options.check === true) throwIfFailed(spec.argv, result);
  return result;
}

async function run(
  sandbox: Pick<Sandbox, "exec">,
  spec: Parameters<Sandbox["exec"]>[0],
  sinks: ExecSinks,
  options: ExecOptions,
  guard: Guard,
): Promise<ExecExit> {
  const handle = await sandbox.exec(spec, sinks, options.signal === undefined ? undefined : { signal: options.signal });
  guard.started(handle);
  if (options.stdin === undefined) return handle.wait();
  const feed: Feed = feedStdin(handle, options.stdin, (error) => guard.fail(error));
  try {
    return await handle.wait();
  } finally {
    feed.stop();
  }
}

function sink(collector: OutputCollector, callback: Sink | undefined, guard: Guard): Sink {
  if (callback === undefined) return (chunk) => collector.add(chunk);
  return (chunk) => {
    collector.add(chunk);
    try {
      return callback(chunk)?.catch((error: unknown) => guard.fail(error));
    } catch (error) {
      guard.fail(error);
      return undefined;
    }
  };
}

/** Ends a command early, and its call at once: where the caller aborts, or what the caller gave (stdin, a callback) fails. */
class Guard {
  #handle: ExecHandle | undefined;
  #failure: { readonly error: unknown } | undefined;
  #reject: ((error: unknown) => void) | undefined;

  started(handle: ExecHandle): void {
    this.#handle = handle;
    if (this.#failure !== undefined) this.#end(handle);
  }

  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#reject?.(error);
    if (this.#handle !== undefined) this.#end(this.#handle);
  }

  race(running: Promise<ExecExit>, doing: string, signal: AbortSignal | undefined): Promise<ExecExit> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.fail(abortedError(doing, signal?.reason));
      this.#reject = reject;
      // The first output may come before the start is told.
      if (this.#failure !== undefined) reject(this.#failure.error);
      signal?.addEventListener("abort", onAbort, { once: true });
      const done = (): void => signal?.removeEventListener("abort", onAbort);
      running.then(resolve, reject).finally(done);
    });
  }

  #end(handle: ExecHandle): void {
    handle.kill("SIGKILL").catch(() => undefined);
  }
}

function toResult(
  exit: ExecExit,
  stdout: OutputCollector,
  stderr: OutputCollector,
  asBytes: boolean,
): ExecResult<string | Uint8Array> {
  const dropped = exit.truncated === false ? { stdout: 0, stderr: 0 } : exit.truncated;
  const out = content(stdout.finish(dropped.stdout), asBytes);
  const err = content(stderr.finish(dropped.stderr), asBytes);
  return {
    exitCode: exit.exitCode,
    signal: exit.signal,
    stdout: out.value,
    stderr: err.value,
    timedOut: exit.timedOut,
    truncated: out.dropped + err.dropped === 0 ? false : { stdout: out.dropped, stderr: err.dropped },
    oomKilled: exit.oomKilled,
    durationMs: exit.durationMs,
  };
}

/** Around a gap whole characters are kept: half of one would read as garbage. */
function content(
  { head, tail, dropped }: Collected,
  asBytes: boolean,
): { value: string | Uint8Array; dropped: number } {
  if (dropped === 0) return { value: asBytes ? head : decodeUtf8(head), dropped };
  if (asBytes) return { value: Buffer.concat([head, tail]), dropped };
  const before = unfinishedTail(head);
  const after = orphanedHead(tail);
  const text = decodeUtf8(head.subarray(0, head.byteLength - before)) + decodeUtf8(tail.subarray(after));
  return { value: text, dropped: dropped + before + after };
}
