import type {
  AgentSource,
  Backend,
  BeforeCreate,
  CallOptions,
  Clock,
  EventBus,
  Identity,
  Logger,
  SessionId,
} from "@podkit/core";
import type { Connections } from "./connection.js";
import type { ParentSources } from "./parent.js";
import type { DrawPort } from "./ports/draw.js";
import type { MountStrategy } from "./spec/mounts.js";
import type { Turns } from "./turns.js";

/** What all parts of one manager share. */
export interface Core {
  readonly backend: Backend;
  readonly agent: AgentSource;
  readonly events: EventBus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly connections: Connections;
  readonly beforeCreate: BeforeCreate | undefined;
  /** Absolute; undefined where there is none. */
  readonly workspace: string | undefined;
  readonly workspaceHost: string | undefined;
  readonly mounts: MountStrategy;
  readonly draw: DrawPort;
  readonly parent: ParentSources;
  /** Creations and starts that may be under way on the engine at once. */
  readonly turns: Turns;
}

/** Whose container an event, an error or a call is about. */
export interface Target {
  readonly identity: Identity;
  /** The container's name. */
  readonly name: string;
}

/** The facts of an event about a container. */
export function facts(
  core: Pick<Core, "clock">,
  target: Target,
  containerId?: string,
): SessionId & { at: number; containerName: string; containerId?: string } {
  const { userId, sessionId } = target.identity;
  return {
    at: core.clock.now(),
    userId,
    sessionId,
    containerName: target.name,
    ...(containerId === undefined ? {} : { containerId }),
  };
}

/** Waits on the injected clock, holding the event loop. @throws the signal's reason where it is given. */
export function sleep(clock: Clock, ms: number, options: CallOptions = {}): Promise<void> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(
      ms,
      () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      },
      { hold: true },
    );
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
