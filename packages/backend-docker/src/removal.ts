import { type Clock, type DeadlineOptions, ENGINE_TIMEOUT_MS, PodkitError, withDeadline } from "@podkit/core";
import type { DockerApi } from "./api.js";
import { inspectRaw } from "./create.js";
import { record, text } from "./parse.js";

const POLL_MS = 50;

/** True where the engine refused because the container is being removed, or its removal failed half-way. */
export function isBeingRemoved(error: unknown): boolean {
  return PodkitError.is(error, "not_found") && error.details["reason"] === "removing";
}

/**
 * The engine's whole answer about a container. One that is being removed has no future: its end is waited for, so that its name is free.
 * @throws `not_found` once it is gone; `timeout` where it does not go.
 */
export function inspectSettled(
  api: DockerApi,
  clock: Clock,
  id: string,
  { signal, timeoutMs = ENGINE_TIMEOUT_MS }: DeadlineOptions,
): Promise<unknown> {
  return withDeadline(`Looking at container ${id}`, { signal, timeoutMs }, async (within) => {
    for (;;) {
      const raw = await inspectRaw(api, id, { signal: within, timeoutMs });
      if (text(record(record(raw)["State"])["Status"]) !== "removing") return raw;
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve, { hold: true }));
    }
  });
}
