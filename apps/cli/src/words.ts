import type { PodkitError } from "podkit";

/** The library's advice in words of the command line. */
export function inOwnWords(error: PodkitError): string {
  const { userId, sessionId } = error.details;
  return error.message
    .replace(
      "Make it with createSession.",
      `Make it with \`podkit run --user ${String(userId)} --session ${String(sessionId)} -- COMMAND\`.`,
    )
    .replace('onConfigMismatch: "reuse" or "recreate"', "--on-mismatch reuse or recreate")
    .replace('onConfigMismatch: "recreate"', "--on-mismatch recreate");
}
