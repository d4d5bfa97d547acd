import { type Clock, type DeadlineOptions, ENGINE_TIMEOUT_MS, PodkitError } from "@podkit/core";
import type { DockerApi } from "./api.js";
import { isBeingRemoved } from "./removal.js";

const REMOVAL_POLL_MS = 50;

type Verb = "stop" | "kill" | "pause" | "unpause";

const DOING: Readonly<Record<Verb, string>> = {
  stop: "Stopping",
  kill: "Killing",
  pause: "Pausing",
  unpause: "Resuming",
};
/** What the engine says where there is nothing to do. */
const ALREADY: Readonly<Record<Verb, RegExp>> = {
  stop: /is not running/i,
  kill: /is not running/i,
  pause: /already paused/i,
  unpause: /is not paused/i,
};

/** Brings a container into a state; being in it already is fine. */
export async function change(
  api: DockerApi,
  verb: Verb,
  id: string,
  query: Readonly<Record<string, unknown>>,
  options: DeadlineOptions,
): Promise<void> {
  try {
    const subject = { kind: "container", name: id } as const;
    await api.json(
      { doing: `${DOING[verb]} container ${id}`, subject, method: "POST", path: `${containerPath(id)}/${verb}`, query },
      options,
    );
  } catch (error) {
    if (!(error instanceof PodkitError && ALREADY[verb].test(error.message))) throw error;
  }
}

/** Ends and removes a container and its anonymous volumes; settles when it is gone. */
export async function remove(api: DockerApi, clock: Clock, id: string, options: DeadlineOptions): Promise<void> {
  const doing = `Removing container ${id}`;
  const timeoutMs = options.timeoutMs ?? ENGINE_TIMEOUT_MS;
  const deadline = clock.now() + timeoutMs;
  for (;;) {
    const left = { ...options, timeoutMs: Math.max(1, deadline - clock.now()) };
    try {
      await api.json(
        {
          doing,
          subject: { kind: "container", name: id },
          method: "DELETE",
          path: containerPath(id),
          query: { force: true, v: true },
        },
        left,
      );
      return;
    } catch (error) {
      // Another's removal is under way: it is waited for, so that the name is free when this settles.
      if (!isBeingRemoved(error)) {
        if (PodkitError.is(error, "not_found")) return;
        throw error;
      }
    }
    await new Promise<void>((resolve) => clock.after(REMOVAL_POLL_MS, resolve, { hold: true }));
  }
}

/** Path of a container in the API. */
export function containerPath(id: string): string {
  return `/containers/${encodeURIComponent(id)}`;
}
