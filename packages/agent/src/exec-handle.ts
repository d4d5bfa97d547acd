import { type ExecExit, type ExecHandle, type ExecSpec, PodkitError, quote, type TerminalSize } from "@podkit/core";
import type { ExecStdin } from "./exec-stdin.js";
import { FRAME, resizeFrame, textFrame } from "./frames.js";
import { parseSignal } from "./signals.js";

/** What a handle needs of its call. */
export interface HandleParts {
  readonly pid: number;
  readonly spec: ExecSpec;
  readonly stdin: ExecStdin;
  readonly exit: Promise<ExecExit>;
  /** Sends a frame now, or once a stream stands again; with `always` over each further stream too. */
  readonly control: (frame: Buffer, always?: boolean) => void;
}

/** What the caller holds of a started command. */
export function execHandle({ pid, spec, stdin, exit, control }: HandleParts): ExecHandle {
  return {
    pid,
    wait: () => exit,
    async writeStdin(chunk: Uint8Array): Promise<void> {
      if (!spec.stdin)
        throw new PodkitError("invalid_state", "Nothing can be written: the command was started without stdin.");
      await stdin.write(chunk);
    },
    async closeStdin(): Promise<void> {
      if (spec.stdin) stdin.close();
    },
    async kill(signal = "SIGTERM"): Promise<void> {
      const name = parseSignal(signal);
      const tree = name === "KILL";
      control(textFrame(FRAME.signal, JSON.stringify({ signal: name, tree })), tree);
    },
    async resize({ columns, rows }: TerminalSize): Promise<void> {
      if (spec.pty === undefined)
        throw new PodkitError("invalid_state", "The size cannot be changed: the command has no terminal.");
      control(resizeFrame(checkSide("columns", columns), checkSide("rows", rows)));
    },
  };
}

function checkSide(field: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= 65_535) return value;
  throw new PodkitError("invalid_argument", `${field} ${quote(value)} is no size of a terminal: it takes 1 to 65535.`, {
    details: { field },
  });
}
