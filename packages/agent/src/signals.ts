import { PodkitError, quote } from "@podkit/core";

const SIGNALS: ReadonlySet<string> = new Set(
  (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ " +
    "VTALRM PROF WINCH IO PWR SYS"
  ).split(" "),
);

/**
 * A signal's name as the agent takes it, without `SIG`.
 * @throws `invalid_argument` where Linux has no such signal.
 */
export function parseSignal(signal: string): string {
  const name = signal.startsWith("SIG") ? signal.slice(3) : signal;
  if (SIGNALS.has(name)) return name;
  throw new PodkitError("invalid_argument", `${quote(signal)} is no signal: it takes a name such as SIGTERM or TERM.`, {
    details: { field: "signal" },
  });
}
