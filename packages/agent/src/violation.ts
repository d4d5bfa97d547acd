import { PodkitError } from "@podkit/core";

/** What a broken rule of the protocol looks like: the container sent what no agent sends, and its connection is closed. */
export function protocolError(what: string): PodkitError {
  return new PodkitError(
    "internal",
    `The agent in the container broke its protocol: ${what}. The connection was closed; make the container again if this comes back.`,
    { details: { reason: "protocol" } },
  );
}
