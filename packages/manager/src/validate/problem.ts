import { PodkitError, quote } from "@podkit/core";

/** Refuses a field's value, saying what would be right. */
export function refuse(field: string, value: unknown, right: string): never {
  throw new PodkitError("invalid_argument", `${field} ${show(value)} cannot be used: ${right}.`, {
    details: { field },
  });
}

/** A value as it may stand in a message. */
export function show(value: unknown): string {
  if (typeof value === "string" || value === null || value === undefined) return quote(value);
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return "(a list)";
  return `(${typeof value === "object" ? "an object" : typeof value})`;
}

/** True for an object that is neither a list nor null. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
