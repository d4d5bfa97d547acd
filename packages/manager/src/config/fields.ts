import type { Asked, ConfigValues, FieldName } from "./asked.js";

/** Names of the fields that were given. */
export function namesOf(asked: Asked): FieldName[] {
  return Object.keys(asked).filter((key): key is FieldName => key in asked);
}

/** Only these fields of `from`, where it has them. */
export function pick(from: Asked, names: readonly FieldName[]): Asked {
  const picked: { -readonly [K in FieldName]?: ConfigValues[K] } = {};
  for (const name of names) copy(from, picked, name);
  return picked;
}

function copy<K extends FieldName>(from: Asked, to: { -readonly [N in FieldName]?: ConfigValues[N] }, name: K): void {
  const value = from[name];
  if (value !== undefined) to[name] = value;
}
