import type { DeadlineOptions } from "./call.js";
import { PodkitError } from "./errors.js";

/** What an abort of `doing` looks like. */
export function abortedError(doing: string, reason?: unknown): PodkitError {
  return new PodkitError("aborted", `${doing} was aborted by its caller.`, { cause: reason });
}

/** What a deadline that passed while `doing` looks like. */
export function timeoutError(doing: string, timeoutMs: number): PodkitError {
  return new PodkitError("timeout", `${doing} did not end within ${timeoutMs} ms.`, {
    retryable: true,
    details: { timeoutMs },
  });
}

/** @throws `aborted` where the signal was given already. */
export function throwIfAborted(doing: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(doing, signal.reason);
}

/**
 * Runs `work` with a signal that is given at the deadline or at the caller's abort, and rejects at once then, whether or not
 * `work` heeds it. The deadline's timer holds the event loop while it runs.
 * @throws `aborted`, `timeout`, and whatever `work` throws.
 */
export async function withDeadline<T>(
  doing: string,
  options: DeadlineOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  throwIfAborted(doing, options.signal);
  const controller = new AbortController();
  const cleanups: (() => void)[] = [];
  const ended = new Promise<never>((_, reject) => {
    const end = (error: PodkitError): void => {
      reject(error);
      controller.abort(error);
    };
    const { signal, timeoutMs } = options;
    if (signal !== undefined) {
      const onAbort = (): void => end(abortedError(doing, signal.reason));
      signal.addEventListener("abort", onAbort, { once: true });
      cleanups.push(() => signal.removeEventListener("abort", onAbort));
    }
    if (timeoutMs !== undefined) {
      const timer = setTimeout(() => end(timeoutError(doing, timeoutMs)), timeoutMs);
      cleanups.push(() => clearTimeout(timer));
    }
  });
  const running = work(controller.signal);
  running.catch(() => undefined);
  try {
    return await Promise.race([running, ended]);
  } finally {
    for (const cleanup of cleanups) cleanup();
  }
}
