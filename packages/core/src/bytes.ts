import { PodkitError } from "./errors.js";
import { quote } from "./identity.js";

const UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/**
 * Reads a size: a whole number of bytes, or digits with `b`, `k`, `m` or `g` (powers of 1024, in either case).
 * @throws `invalid_argument` naming the field.
 */
export function parseBytes(field: string, value: number | string): number {
  const bytes = typeof value === "number" ? value : parseText(value);
  if (bytes !== undefined && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new PodkitError(
    "invalid_argument",
    `${field} ${quote(value)} is no size: it takes bytes, or digits with b, k, m or g, such as "512m".`,
    {
      details: { field },
    },
  );
}

function parseText(value: string): number | undefined {
  const match = /^([0-9]{1,15})([bkmg]?)$/i.exec(value);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? "?"];
  return match?.[1] === undefined || unit === undefined ? undefined : Number(match[1]) * unit;
}
