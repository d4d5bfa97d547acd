import type { Io } from "../io.js";
import { takeSession } from "../session-ref.js";
import { withPodkit } from "../with-podkit.js";
import { type CommandFlags, checkCommand, interruptible, runIn } from "./run.js";

/** A command in a session that is there. */
export async function exec(args: readonly string[], flags: CommandFlags, io: Io): Promise<number> {
  const { id, rest } = takeSession(args, flags);
  checkCommand(rest, flags, io);
  return withPodkit(flags, io, ({ podkit }) =>
    interruptible(async (relay) => {
      const session = await podkit.findSession({ ...id, signal: relay.signal });
      return runIn(session, rest, flags, io, relay);
    }),
  );
}
