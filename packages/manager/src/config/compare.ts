import { PodkitError } from "@podkit/core";
import { canonicalImage } from "../validate/image.js";
import type { Asked, FieldName } from "./asked.js";
import { namesOf } from "./fields.js";

/** One field in which two configurations differ, with values that may be shown. */
export interface Difference {
  readonly field: FieldName;
  readonly asked: string;
  readonly present: string;
}

/** What a container was made with, as a comparison needs it. */
export interface Present {
  readonly asked: Asked;
  readonly defaults: Asked;
  /** What was asked before a hook changed it: asking for it again is asking for the same. */
  readonly replaced: Asked;
  /** The image's platform, where nobody asked for one. */
  readonly made?: { readonly platform?: string } | undefined;
}

/** Of one call, not of the container: asking for them otherwise is no difference. */
const OF_THE_CALL: ReadonlySet<string> = new Set<FieldName>(["pullPolicy", "startupVerification"]);

/** Fields whose values may be secret: only keys are shown. */
const SECRET: ReadonlySet<string> = new Set<FieldName>(["environment"]);

/** Compares only the fields that `asked` has, each in one form; the order of ports, volumes and the like does not count. */
export function compareConfigs(asked: Asked, present: Present): Difference[] {
  const differences: Difference[] = [];
  for (const field of namesOf(asked)) {
    if (OF_THE_CALL.has(field)) continue;
    const wanted = canonical(field, asked[field]);
    const there = presentValue(present, field);
    if (wanted === canonical(field, there) || (there === undefined && asksForNone(field, asked[field]))) continue;
    if (field in present.replaced && wanted === canonical(field, present.replaced[field])) continue;
    differences.push({ field, ...shown(field, asked[field], there) });
  }
  return differences;
}

function presentValue({ asked, defaults, made }: Present, field: FieldName): unknown {
  return asked[field] ?? defaults[field] ?? (field === "platform" ? made?.platform : undefined);
}

/** An older record knows nothing of an empty list; an empty entrypoint asks for something else than none. */
function asksForNone(field: FieldName, value: unknown): boolean {
  return field !== "entrypoint" && Array.isArray(value) && value.length === 0;
}

/** The error that names what differs. */
export function conflictError(containerName: string, differences: readonly Difference[]): PodkitError {
  const list = differences
    .map(({ field, asked, present }) => `${field}: asked for ${asked}, it has ${present}`)
    .join("; ");
  return new PodkitError(
    "conflict",
    `The session's container ${containerName} exists with another configuration (${list}). Ask for what it has or for nothing, ` +
      `remove it first, or pass onConfigMismatch: "reuse" or "recreate".`,
    { details: { containerName, fields: differences.map(({ field }) => field), differences } },
  );
}

/** True where the two ask for the same. */
export function sameAsked(a: Asked, b: Asked): boolean {
  return serialized(a) === serialized(b);
}

function serialized(asked: Asked): string {
  return stable(Object.fromEntries(namesOf(asked).map((field) => [field, canonical(field, asked[field])])));
}

function canonical(field: FieldName, value: unknown): string {
  if (field === "image" && typeof value === "string") return canonicalImage(value);
  // Order means something in a program's words and in the order of name servers; nowhere else.
  const ordered = field === "entrypoint" || field === "command" || field === "dns";
  return stable(Array.isArray(value) && !ordered ? value.map(stable).sort() : value);
}

function shown(field: FieldName, asked: unknown, present: unknown): { asked: string; present: string } {
  if (!SECRET.has(field)) return { asked: short(asked), present: short(present) };
  const a = isObject(asked) ? asked : {};
  const b = isObject(present) ? present : {};
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort().filter((key) => a[key] !== b[key]);
  const name = (from: object): string =>
    keys
      .filter((key) => Object.hasOwn(from, key))
      .map(quoteKey)
      .join(", ") || "none";
  return { asked: `other values of ${name(a)}`, present: `its own of ${name(b)}` };
}

function quoteKey(key: string): string {
  return JSON.stringify(key.slice(0, 80));
}

function short(value: unknown): string {
  if (value === undefined) return "none";
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}

/** JSON with sorted keys. */
function stable(value: unknown): string {
  return (
    JSON.stringify(value, (_, entry: unknown) =>
      isObject(entry) ? Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1))) : entry,
    ) ?? "undefined"
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
