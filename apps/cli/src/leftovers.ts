import type { EventBus } from "podkit";
import type { CommonFlags, Io } from "./io.js";

/** Says on stderr which container could not be removed. Gives a function that ends it. */
export function warnOfLeftovers(events: EventBus, flags: CommonFlags, io: Pick<Io, "stderr">): () => void {
  return events.on("container.removalFailed", ({ containerName, error }) => {
    const warning = `Container ${containerName ?? "(no name)"} could not be removed, and is left: ${error.message}`;
    io.stderr.write(flags.json === true ? `${JSON.stringify({ warning })}\n` : `podkit: ${warning}\n`);
  });
}
