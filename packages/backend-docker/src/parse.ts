/** Reads JSON of the engine: what is not of the expected form is taken for absent. */
export type Json = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function record(value: unknown): Json {
  return isRecord(value) ? value : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function texts(value: unknown): string[] {
  return list(value).filter((item) => typeof item === "string");
}

export function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** A record of strings; other values are left out. */
export function stringRecord(value: unknown): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, item] of Object.entries(record(value))) if (typeof item === "string") out[key] = item;
  return out;
}

/** Milliseconds since the epoch; null for Go's zero time and for no time at all. */
export function time(value: unknown): number | null {
  const at = Date.parse(text(value));
  return Number.isNaN(at) || at <= 0 ? null : at;
}

/** JSON text of a line or body; undefined where it is none. */
export function parseJson(value: string): unknown {
  try {
    const parsed: unknown = JSON.parse(value);
    return parsed;
  } catch {
    return undefined;
  }
}
