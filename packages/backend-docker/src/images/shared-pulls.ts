import { abortedError, type CallOptions, type Logger, type PullProgress, withDeadline } from "@podkit/core";

interface SharedPull {
  readonly done: Promise<void>;
  readonly listeners: Set<(progress: PullProgress) => void>;
  readonly controller: AbortController;
  waiting: number;
}

/** One pull for everyone that wants the same image at once. It ends when nobody waits for it any more. */
export class SharedPulls {
  readonly #pulls = new Map<string, SharedPull>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Joins the pull of `key`, or begins it. */
  async run(
    key: string,
    doing: string,
    options: CallOptions & { readonly onProgress?: ((progress: PullProgress) => void) | undefined },
    begin: (onProgress: (progress: PullProgress) => void, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const pull = this.#pulls.get(key) ?? this.#begin(key, begin);
    const { onProgress } = options;
    // A function of its own, so that one listener may be given by two callers.
    const listener = onProgress === undefined ? undefined : (progress: PullProgress): void => onProgress(progress);
    if (listener !== undefined) pull.listeners.add(listener);
    pull.waiting += 1;
    try {
      await withDeadline(doing, { signal: options.signal }, () => pull.done);
    } finally {
      pull.waiting -= 1;
      if (listener !== undefined) pull.listeners.delete(listener);
      if (pull.waiting === 0) this.#abandon(key, pull, doing);
    }
  }

  #begin(
    key: string,
    begin: (onProgress: (progress: PullProgress) => void, signal: AbortSignal) => Promise<void>,
  ): SharedPull {
    const listeners = new Set<(progress: PullProgress) => void>();
    const controller = new AbortController();
    const done = begin((progress) => this.#tell(listeners, progress), controller.signal);
    const pull = { done, listeners, controller, waiting: 0 };
    this.#pulls.set(key, pull);
    done.catch(() => undefined).finally(() => this.#forget(key, pull));
    return pull;
  }

  #abandon(key: string, pull: SharedPull, doing: string): void {
    this.#forget(key, pull);
    pull.controller.abort(abortedError(doing));
  }

  #forget(key: string, pull: SharedPull): void {
    if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
  }

  // A listener that throws disturbs neither the pull nor the others.
  #tell(listeners: ReadonlySet<(progress: PullProgress) => void>, progress: PullProgress): void {
    for (const listener of listeners) {
      try {
        listener(progress);
      } catch (error) {
        this.#logger.warn("A listener of a pull threw.", { image: progress.image, error });
      }
    }
  }
}
