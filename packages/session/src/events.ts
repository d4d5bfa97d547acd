import { type Clock, type EventBus, type EventFacts, PodkitError, type SessionId } from "@podkit/core";
import type { SpawnObserver } from "@podkit/processes";

/** What a {@link SessionEvents} is made of. */
export interface SessionEventsParts {
  readonly events: EventBus;
  readonly clock: Clock;
  readonly id: SessionId;
}

/** The events of one session, with its ids. */
export class SessionEvents {
  readonly #events: EventBus;
  readonly #clock: Clock;
  readonly #id: SessionId;

  constructor(parts: SessionEventsParts) {
    this.#events = parts.events;
    this.#clock = parts.clock;
    this.#id = { userId: parts.id.userId, sessionId: parts.id.sessionId };
  }

  created(reconnected: boolean): void {
    this.#events.emit({ type: "session.created", ...this.#facts(), reconnected });
  }

  creationFailed(error: unknown): void {
    this.#events.emit({ type: "session.creationFailed", ...this.#facts(), error: asPodkitError(error) });
  }

  closing(): void {
    this.#events.emit({ type: "session.closing", ...this.#facts() });
  }

  closed(): void {
    this.#events.emit({ type: "session.closed", ...this.#facts() });
  }

  /** For one `spawn`. */
  observer(): Required<SpawnObserver> {
    let processId: string | undefined;
    return {
      onStart: (pid) => {
        processId = String(pid);
        this.#events.emit({ type: "process.started", ...this.#facts(), processId });
      },
      onExit: ({ exitCode, signal }) => {
        this.#events.emit({
          type: exitCode === 0 ? "process.exited" : "process.failed",
          ...this.#facts(),
          processId,
          exitCode,
          signal,
        });
      },
      onLost: () => {
        this.#events.emit({ type: "process.failed", ...this.#facts(), processId, exitCode: null, signal: null });
      },
    };
  }

  #facts(): EventFacts {
    return { at: this.#clock.now(), ...this.#id };
  }
}

function asPodkitError(error: unknown): PodkitError {
  if (PodkitError.is(error)) return error;
  return new PodkitError(
    "internal",
    `Opening the session failed: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
}
