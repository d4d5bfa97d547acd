import { PodkitError, quote } from "@podkit/core";

const MAX_PATH_BYTES = 4096;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Checks a path that goes to the agent.
 * @throws `invalid_argument` where it is empty, too long, or has a NUL or half a character.
 */
export function checkPath(field: string, path: string): string {
  const why = problem(path);
  if (why === undefined) return path;
  throw new PodkitError("invalid_argument", `${field} ${quote(path)} is no path: ${why}.`, { details: { field } });
}

function problem(path: unknown): string | undefined {
  if (typeof path !== "string" || path === "") return "it takes a text that is not empty";
  if (path.includes("\0")) return "it has a NUL";
  if (LONE_SURROGATE.test(path)) return "it has half a character of a surrogate pair";
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  return undefined;
}

/** A path with a query; what is undefined is left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    parts.push(`${name}=${encode(value)}`);
  }
  return parts.length === 0 ? path : `${path}?${parts.join("&")}`;
}

function encode(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  return encodeURIComponent(typeof value === "string" ? value.replace(/\p{Surrogate}/gu, "\ufffd") : value);
}

/**
 * Checks a whole number that goes to the agent; undefined passes.
 * @throws `invalid_argument`.
 */
export function checkInteger<T extends number | undefined>(
  field: string,
  value: T,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): T {
  if (value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max)) return value;
  throw new PodkitError(
    "invalid_argument",
    `${field} ${quote(value)} cannot be used: it takes a whole number from ${min} to ${max}.`,
    {
      details: { field },
    },
  );
}
