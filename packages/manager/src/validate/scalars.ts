import { nearestName, parseBytes } from "@podkit/core";
import { isRecord, refuse } from "./problem.js";

/** Checks one field's value and gives it back in its one form. @throws `invalid_argument` naming the field. */
export type Parse<T> = (field: string, value: unknown) => T;

/** A yes or no. */
export const boolean: Parse<boolean> = (field, value) =>
  typeof value === "boolean" ? value : refuse(field, value, "it takes true or false");

/** One of a few words. */
export function oneOf<const T extends string>(...words: readonly T[]): Parse<T> {
  return (field, value) =>
    words.find((word) => word === value) ??
    refuse(field, value, `it takes ${words.map((word) => `"${word}"`).join(" or ")}`);
}

/** A whole number between two others. */
export function integer(min: number, max: number, unit: string): Parse<number> {
  return (field, value) =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : refuse(field, value, `it takes ${unit}, a whole number from ${min} to ${max}`);
}

/** Milliseconds, up to ten years. */
export const milliseconds: Parse<number> = integer(1, 315_360_000_000, "milliseconds");

/** A number of cores; below 0.01 no engine starts a container. */
export const cores: Parse<number> = (field, value) =>
  typeof value === "number" && Number.isFinite(value) && value >= 0.01 && value <= 10_000
    ? value
    : refuse(field, value, "it takes 0.01 cores or more, such as 0.5 or 2");

/** A size in bytes. */
export const bytes: Parse<number> = (field, value) =>
  typeof value === "number" || typeof value === "string"
    ? parseBytes(field, value)
    : refuse(field, value, 'it takes bytes, or digits with b, k, m or g, such as "512m"');

/** A text without a NUL, of at most so many characters. */
export function text(max: number, least = 0): Parse<string> {
  return (field, value) => {
    if (typeof value !== "string") return refuse(field, value, "it takes a text");
    if (value.includes("\0")) return refuse(field, value, "a NUL character cannot be passed on");
    if (value.length < least) return refuse(field, value, "it must not be empty");
    return value.length <= max ? value : refuse(field, value, `it takes at most ${max} characters`);
  };
}

/** A text that fits a pattern. */
export function matching(pattern: RegExp, right: string): Parse<string> {
  return (field, value) => (typeof value === "string" && pattern.test(value) ? value : refuse(field, value, right));
}

/** A list, each element checked. */
export function listOf<T>(element: Parse<T>, max = 1_000): Parse<readonly T[]> {
  return (field, value) => {
    if (!Array.isArray(value)) return refuse(field, value, "it takes a list");
    if (value.length > max) return refuse(field, value, `it takes at most ${max} elements`);
    return Array.from(value, (entry: unknown, index) => element(`${field}[${index}]`, entry));
  };
}

/** An object whose keys are all known. */
export function fieldsOf(field: string, value: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) return refuse(field, value, `it takes an object with ${known.join(", ")}`);
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const meant = nearestName(key, known);
    refuse(
      `${field}.${key.slice(0, 60)}`,
      key,
      meant === undefined ? `known are ${known.join(", ")}` : `did you mean ${meant}`,
    );
  }
  return value;
}

/** An absolute path on a Linux machine, without `..`, NUL or line break; given back without doubled or closing slashes. */
export const absolutePath: Parse<string> = (field, value) => {
  const right = "it takes an absolute path without .., NUL or line breaks, such as /data";
  if (typeof value !== "string" || value.length > 4_096 || !value.startsWith("/")) return refuse(field, value, right);
  if (/[\0\n\r]/.test(value) || value.split("/").includes("..")) return refuse(field, value, right);
  const parts = value.split("/").filter((part) => part !== "" && part !== ".");
  return `/${parts.join("/")}`;
};

/** A path in the container where something may be mounted. */
export const mountTarget: Parse<string> = (field, value) => {
  const path = absolutePath(field, value);
  if (path === "/" || path === "/.podkit" || path.startsWith("/.podkit/")) {
    return refuse(field, value, "/ and /.podkit cannot be mounted over");
  }
  return path;
};
