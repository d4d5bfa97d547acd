/** What every call that waits for something takes as its last parameter. */
export interface CallOptions {
  /** Ends the waiting; the call rejects with code `aborted`. What becomes of work under way is said at the call. */
  readonly signal?: AbortSignal | undefined;
}

/** A {@link CallOptions} with a deadline. */
export interface DeadlineOptions extends CallOptions {
  /** Milliseconds until the call rejects with code `timeout`. */
  readonly timeoutMs?: number | undefined;
}

/** Milliseconds that a call to an engine may take where nothing else is said. */
export const ENGINE_TIMEOUT_MS = 30_000;
