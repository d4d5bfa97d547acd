import type { CommonFlags, Io } from "../io.js";
import { LogText } from "../log-text.js";
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
    const texts = new LogText();
    const asJson = (stream: "stdout" | "stderr", text: string): void => {
      if (text !== "") printJson(io, { stream, text });
    };
    for await (const { stream, data } of session.logs({ tail, follow: flags.follow === true })) {
      if (flags.json === true) asJson(stream, texts.take(stream, data));
      else await write(stream === "stdout" ? io.stdout : io.stderr, data);
    }
    for (const stream of ["stdout", "stderr"] as const) asJson(stream, texts.end(stream));
    return 0;
  });
}

function write(to: Io["stdout"], data: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(data, (error) => (error ? reject(error) : resolve()));
  });
}
