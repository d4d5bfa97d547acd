import { ExecFailedError, type ExecResult, ExecTimeoutError } from "@podkit/core";
import { describeCommand } from "@podkit/processes";
import { decodeUtf8 } from "./utf8.js";

const SHOWN_STDERR = 400;

/**
 * For `check: true`.
 * @throws {@link ExecTimeoutError}, {@link ExecFailedError}
 */
export function throwIfFailed(argv: readonly string[], result: ExecResult<string | Uint8Array>): void {
  const command = `The command ${describeCommand(argv)}`;
  if (result.timedOut) {
    throw new ExecTimeoutError(
      `${command} was ended at its timeout, after ${result.durationMs} ms.${endOf(result.stderr)}`,
      result,
      {
        details: { durationMs: result.durationMs },
      },
    );
  }
  if (result.exitCode === 0) return;
  const memory = result.oomKilled ? ", as memory ran out (memoryLimit of the config)" : "";
  const how =
    result.exitCode === null
      ? `was ended by ${result.signal ?? "a signal"}${memory}`
      : `ended with code ${result.exitCode}${memory}`;
  throw new ExecFailedError(`${command} ${how}.${endOf(result.stderr)}`, result);
}

function endOf(stderr: string | Uint8Array): string {
  const bytes = typeof stderr === "string" ? undefined : stderr.subarray(-SHOWN_STDERR * 4);
  const text = (bytes === undefined ? String(stderr) : decodeUtf8(bytes)).trimEnd();
  if (text === "") return " It wrote nothing to stderr.";
  return ` Its stderr ends with:\n${text.length > SHOWN_STDERR ? `...${text.slice(-SHOWN_STDERR)}` : text}`;
}
