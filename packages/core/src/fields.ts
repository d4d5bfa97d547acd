import { PodkitError } from "./errors.js";
import { quote } from "./identity.js";

/** Refuses what is no object, such as null. @throws `invalid_argument` */
export function requireObject(what: string, value: unknown): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw new PodkitError("invalid_argument", `${what} takes an object, not ${value === null ? "null" : typeof value}.`, {
    details: { field: what },
  });
}

/**
 * Refuses an object that has a field which nobody reads: what is asked for is never dropped silently.
 * @throws `invalid_argument` naming the field, and the one that may have been meant.
 */
export function refuseUnknownFields(what: string, value: unknown, known: Readonly<Record<string, true>>): void {
  requireObject(what, value);
  const names = Object.keys(known);
  const given = Object.entries(Object(value)).filter(([, asked]) => asked !== undefined);
  const unknown = given.map(([name]) => name).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const meant = nearestName(unknown, names);
  const right = meant === undefined ? `known are ${names.join(", ")}` : `did you mean ${meant}`;
  throw new PodkitError("invalid_argument", `${what}.${quote(unknown)} cannot be used: ${right}.`, {
    details: { field: `${what}.${unknown.slice(0, 60)}` },
  });
}

/** The known name that is nearest to `name`, where one is near enough to be meant. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(name.slice(0, 60).toLowerCase(), candidate.toLowerCase());
    if (best === undefined || distance < best.distance) best = { name: candidate, distance };
  }
  return best !== undefined && best.distance <= Math.max(2, name.length / 3) ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
