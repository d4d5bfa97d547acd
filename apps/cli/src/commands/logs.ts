import type { CommonFlags, Io } from "../io.js";
import { type SessionFlags, takeSession } from "../session-ref.js";
import { checkTail } from "../tail.js";
import { printJson, withPodkit } from "../with-podkit.js";

/** Flags of `logs`. */
export interface LogsFlags extends CommonFlags, SessionFlags {
  readonly follow?: boolean | undefined;
  readonly tail?: string | undefined;
}

/** `podkit logs`: what the container's own program wrote, stdout and stderr apart. */
export async function logs(args: readonly string[], flags: LogsFlags, io: Io): Promise<number> {
  const { id } = takeSession(args, flags);
  const tail = checkTail(flags.tail);
  return withPodkit(flags, io, async ({ podkit }) => {
    const session = await podkit.findSession(id);
    for await (const { stream, data } of session.logs({ tail, follow: flags.follow === true })) {
      if (flags.json === true) printJson(io, { stream, text: Buffer.from(data).toString("utf8") });
      else await write(stream === "stdout" ? io.stdout : io.stderr, data);
    }
    return 0;
  });
}

function write(to: Io["stdout"], data: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(data, (error) => (error ? reject(error) : resolve()));
  });
}
