import { PodkitError } from "podkit";
import type { CommonFlags, Io } from "./io.js";
import { inOwnWords } from "./words.js";

/** Exit code where podkit itself failed, not the command that it ran. As docker's. */
export const OWN_FAILURE = 125;

/** Exit code of a program whose reader went away, as a shell gives it. */
export const BROKEN_PIPE = 141;

/** True where nobody reads any more what is written. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}

/** Says on stderr what failed: a sentence, or JSON; where it came from only with `--debug`. */
export function report(error: unknown, flags: CommonFlags, io: Pick<Io, "stderr">): void {
  io.stderr.write(flags.json === true ? `${JSON.stringify({ error: asJson(error, flags) })}\n` : asText(error, flags));
}

function asJson(error: unknown, flags: CommonFlags): Record<string, unknown> {
  const known = PodkitError.is(error)
    ? { code: error.code, retryable: error.retryable, details: error.details }
    : { code: "internal", retryable: false, details: {} };
  const stack = flags.debug === true && error instanceof Error ? { stack: error.stack } : {};
  return { ...known, message: messageOf(error), ...stack };
}

function asText(error: unknown, flags: CommonFlags): string {
  const lines = [`podkit: ${messageOf(error)}`];
  if (flags.debug === true) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      lines.push(cause.stack ?? cause.message);
  } else if (!PodkitError.is(error)) lines.push("This is a fault of podkit's own; --debug shows where.");
  return `${lines.join("\n")}\n`;
}

function messageOf(error: unknown): string {
  if (PodkitError.is(error)) return inOwnWords(error);
  return error instanceof Error ? error.message : String(error);
}
