import { createPodkit, type Podkit } from "podkit";
import type { CommonFlags, Io } from "./io.js";
import { showPulls } from "./progress.js";

/** What a command runs with. */
export interface Context {
  readonly podkit: Podkit;
  readonly io: Io;
}

/** Connects as the flags say, shows pulls, and lets go of everything afterwards. Gives the exit code. */
export async function withPodkit(
  flags: CommonFlags,
  io: Io,
  work: (context: Context) => Promise<number>,
): Promise<number> {
  const { dockerHost, prefix } = flags;
  await using podkit = createPodkit({ docker: dockerHost === undefined ? undefined : { host: dockerHost }, prefix });
  const done = flags.json === true ? () => undefined : showPulls(podkit.events, io.stderr);
  try {
    return await work({ podkit, io });
  } finally {
    done();
  }
}

/** Writes one value as JSON, on a line. */
export function printJson(io: Io, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value)}\n`);
}
