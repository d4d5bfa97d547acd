import { PodkitError } from "@podkit/core";

/** The end of a command cannot be known any more. `started` is false only where it provably never ran. */
export function lostError(name: string, why: string, started: boolean, reason: unknown, cause?: unknown): PodkitError {
  const next = started
    ? "It may have done part of its work, so look before you run it again."
    : "It never started, so it can simply be run again.";
  return new PodkitError("exec_lost", `The end of ${name} cannot be known: ${why} ${next}`, {
    retryable: !started,
    details: { reason },
    cause,
  });
}

/** A callback of the caller failed, so its command was ended. */
export function sinkError(name: string, cause: unknown): PodkitError {
  return new PodkitError("internal", `${name} was ended: a callback that takes its output failed (${String(cause)}).`, {
    cause,
    details: { reason: "output_callback" },
  });
}

/** Processes are left that the agent could not end. */
export function treeAliveError(name: string): PodkitError {
  return new PodkitError(
    "internal",
    `${name} ended, but processes that it started could not be ended within 5 s. Stop the container to be rid of them.`,
    { details: { reason: "tree_alive" } },
  );
}

/** The agent keeps its connection alive but does not do what it must. */
export function overdueError(name: string, what: string): PodkitError {
  return new PodkitError(
    "internal",
    `${name} was given up: the agent in the container ${what}. Stop the container if this comes back.`,
    {
      details: { reason: "overdue" },
    },
  );
}
