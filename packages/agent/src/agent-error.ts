import { ERROR_CODES, type ErrorCode, PodkitError } from "@podkit/core";

/** Bytes of an error's body that are read. */
export const MAX_ERROR_BODY = 64 * 1024;
const MAX_MESSAGE = 2048;
const MAX_DETAILS = 16;

/** Makes a podkit error of an agent's failure. What the container wrote is bounded, and stripped of control characters. */
export function agentError(doing: string, status: number, body: Uint8Array): PodkitError {
  const failure = parse(body);
  const code = ERROR_CODES.find((known) => known === failure.code) ?? "internal";
  const said = typeof failure.message === "string" ? plain(failure.message, MAX_MESSAGE) : "";
  return new PodkitError(code, `${doing} failed: ${said === "" ? `the agent answered with status ${status}` : said}`, {
    retryable: isRetryable(code),
    details: { ...details(failure.details), status },
  });
}

/** Text out of a container as it may stand in a message: at most `max` characters, control characters replaced by spaces. */
export function plain(text: string, max: number): string {
  const short = text.length > max ? `${text.slice(0, max - 3)}...` : text;
  return short.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ").trim();
}

function isRetryable(code: ErrorCode): boolean {
  return code === "unavailable";
}

function parse(body: Uint8Array): { code?: unknown; message?: unknown; details?: unknown } {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function details(value: unknown): Record<string, string | number | boolean> {
  const found: Record<string, string | number | boolean> = {};
  if (typeof value !== "object" || value === null) return found;
  for (const [name, item] of Object.entries(value).slice(0, MAX_DETAILS)) {
    if (!/^[A-Za-z][A-Za-z0-9]{0,40}$/.test(name)) continue;
    if (typeof item === "string") found[name] = plain(item, 256);
    else if (typeof item === "number" || typeof item === "boolean") found[name] = item;
  }
  return found;
}
