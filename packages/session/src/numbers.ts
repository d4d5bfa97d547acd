import { PodkitError, quote } from "@podkit/core";

/** @throws `invalid_argument` where it is no whole number from `least`. */
export function checkCount(field: string, value: unknown, least: number): void {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return;
  throw new PodkitError(
    "invalid_argument",
    `${field} ${quote(value)} cannot be used: it takes a whole number from ${least}.`,
    { details: { field } },
  );
}

/** @throws `invalid_argument` where it is no permission bits. */
export function checkMode(field: string, value: unknown): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0o777) return;
  throw new PodkitError(
    "invalid_argument",
    `${field} ${quote(value)} cannot be used: it takes permission bits from 0 to 0o777.`,
    { details: { field } },
  );
}
