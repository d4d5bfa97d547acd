import type { PullProgress } from "./backend.js";
import type { ContainerConfig } from "./config.js";
import type { PodkitError } from "./errors.js";
import type { SessionId } from "./identity.js";
import type { Logger } from "./logger.js";

/** What every event has. */
export interface EventFacts {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly userId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly containerId?: string | undefined;
  readonly containerName?: string | undefined;
  /** Of `process.` events: the command's pid. */
  readonly processId?: string | undefined;
}

/** An event that reports a failure. */
export interface FailureFacts extends EventFacts {
  readonly error: PodkitError;
}

/** Every event by its name, with what it carries. */
export interface PodkitEvents {
  "container.creating": EventFacts & { readonly image?: string | undefined };
  "container.created": EventFacts;
  "container.creationFailed": FailureFacts;
  "container.startFailed": FailureFacts;
  "container.started": EventFacts;
  "container.stopped": EventFacts & { readonly exitCode?: number | null };
  "container.stopFailed": FailureFacts;
  "container.removed": EventFacts;
  "container.removalFailed": FailureFacts;
  "container.healthCheckFailed": FailureFacts & { readonly logs: string };
  "container.recovered": EventFacts;
  "container.recoveryFailed": FailureFacts;
  "session.created": EventFacts & { readonly reconnected: boolean };
  "session.creationFailed": FailureFacts;
  "session.closing": EventFacts;
  "session.closed": EventFacts;
  "session.expired": EventFacts;
  "process.started": EventFacts;
  "process.exited": EventFacts & { readonly exitCode: number | null; readonly signal: string | null };
  "process.failed": EventFacts & { readonly exitCode: number | null; readonly signal: string | null };
  "orphan.removed": EventFacts;
  "image.pulling": EventFacts & { readonly progress: PullProgress };
  "image.pulled": EventFacts & { readonly image: string };
}

/** Name of an event. */
export type EventType = keyof PodkitEvents;

/** An event with its name, as a listener gets it. */
export type PodkitEvent<T extends EventType = EventType> = { [K in T]: { readonly type: K } & PodkitEvents[K] }[T];

/** Called with each event, in order. What it throws disturbs nothing. */
export type EventListener<T extends EventType = EventType> = (event: PodkitEvent<T>) => void;

/**
 * May change the configuration before a container is made; what it gives back is what is checked and stored. `registryAuth` is in it
 * too, and is never stored: one that is not given back is not used.
 */
export type BeforeCreate = (config: ContainerConfig, id: SessionId) => ContainerConfig | Promise<ContainerConfig>;

/** Typed events, delivered in order and at once. */
export class EventBus {
  readonly #listeners = new Map<EventType | "*", Set<(event: PodkitEvent) => void>>();
  readonly #logger: Logger | undefined;

  constructor(options: { readonly logger?: Logger } = {}) {
    this.#logger = options.logger;
  }

  /** Listens to one kind of event, or to all with `*`. Gives back a function that lets go. */
  on(type: "*", listener: EventListener): () => void;
  on<T extends EventType>(type: T, listener: EventListener<T>): () => void;
  on(type: EventType | "*", listener: (event: never) => void): () => void {
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set);
    const entry = (event: PodkitEvent): void => Reflect.apply(listener, undefined, [event]);
    set.add(entry);
    return () => {
      set.delete(entry);
    };
  }

  /** Tells every listener. A listener that throws is logged, and the others are told all the same. */
  emit(event: PodkitEvent): void {
    for (const key of [event.type, "*"] as const) {
      for (const listener of [...(this.#listeners.get(key) ?? [])]) this.#tell(listener, event);
    }
  }

  #tell(listener: (event: PodkitEvent) => void, event: PodkitEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#logger?.error("a listener threw", { type: event.type, error });
    }
  }
}
