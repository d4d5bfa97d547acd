import { PodkitError } from "./errors.js";

/** Whose session it is. */
export interface SessionId {
  /** `^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$` */
  readonly userId: string;
  /** `^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$` */
  readonly sessionId: string;
}

/** A session's id with the prefix that tells one application's containers from another's. */
export interface Identity extends SessionId {
  /** `^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$` */
  readonly prefix: string;
}

/** The prefix where none is given. */
export const DEFAULT_PREFIX = "podkit";

const ID = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/;
const PREFIX = /^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/;

/**
 * Checks a user's or a session's id and gives it back.
 * @throws {@link PodkitError} `invalid_argument` where it does not fit.
 */
export function parseId(name: "userId" | "sessionId", value: unknown): string {
  if (typeof value === "string" && ID.test(value)) return value;
  throw new PodkitError(
    "invalid_argument",
    `${name} ${quote(value)} cannot be used: it takes 1 to 128 letters, digits and . _ @ -, and begins with a letter or digit.`,
    { details: { field: name } },
  );
}

/**
 * Checks a prefix and gives it back.
 * @throws {@link PodkitError} `invalid_argument` where it does not fit.
 */
export function parsePrefix(value: unknown): string {
  if (typeof value === "string" && PREFIX.test(value)) return value;
  throw new PodkitError(
    "invalid_argument",
    `prefix ${quote(value)} cannot be used: it takes 1 to 20 lower-case letters, digits and -, and begins and ends with a letter or digit.`,
    { details: { field: "prefix" } },
  );
}

/** A value as it may stand in a message: short, on one line, in quotes. It never throws. */
export function quote(value: unknown): string {
  const text = textOf(value);
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return String(value);
  } catch {
    return typeof value; // an object that has no text form, or refuses to give it
  }
}
