import { PodkitError } from "@podkit/core";

/** A JSON object whose fields are not known yet. */
export type Fields = Readonly<Record<string, unknown>>;

function bad(what: string): PodkitError {
  return new PodkitError("invalid_argument", `the request is no good: ${what}.`);
}

/** Reads a JSON object. @throws `invalid_argument`. */
export function parseFields(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad("its body is no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad("its body is no object");
  return Object.fromEntries(Object.entries(value));
}

/** A string; undefined where there is none. */
export function text(fields: Fields, name: string): string | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  throw bad(`${name} is no string`);
}

/** A number; undefined where there is none. */
export function number(fields: Fields, name: string): number | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined || typeof value === "number") return value;
  throw bad(`${name} is no number`);
}

/** A list of strings; undefined where there is none. */
export function texts(fields: Fields, name: string): string[] | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw bad(`${name} is no list`);
  return value.map((item: unknown) => {
    if (typeof item === "string") return item;
    throw bad(`${name} holds something else than strings`);
  });
}

/** An object of strings; empty where there is none. */
export function textRecord(fields: Fields, name: string): Record<string, string> {
  const value = fields[name] ?? {};
  if (typeof value !== "object") throw bad(`${name} is no object`);
  const entries = Object.entries(value).map(([key, item]: [string, unknown]): [string, string] => {
    if (typeof item === "string") return [key, item];
    throw bad(`${name} holds something else than strings`);
  });
  return Object.fromEntries(entries);
}
