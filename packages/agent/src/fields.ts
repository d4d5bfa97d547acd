import { protocolError } from "./violation.js";

/** Reads fields of a JSON object that came out of a container: each is checked, and a wrong one breaks the protocol. */
export class Fields {
  readonly #what: string;
  readonly #object: object;

  /** @throws `internal` (reason `protocol`) where `value` is no JSON object. */
  constructor(what: string, value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw protocolError(`${what} is no object`);
    this.#what = what;
    this.#object = value;
  }

  /** The raw value; undefined where it is absent. */
  get(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? Reflect.get(this.#object, name) : undefined;
  }

  string(name: string, maxLength = 4096): string {
    const value = this.get(name);
    if (typeof value === "string" && value.length <= maxLength) return value;
    throw this.#wrong(name, `a string of at most ${maxLength} characters`);
  }

  /** A whole number within the range. */
  integer(name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.get(name);
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw this.#wrong(name, `a whole number from ${min} to ${max}`);
  }

  /** A finite number within the range. */
  number(name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.get(name);
    if (typeof value === "number" && value >= min && value <= max) return value;
    throw this.#wrong(name, `a number from ${min} to ${max}`);
  }

  boolean(name: string): boolean {
    const value = this.get(name);
    if (typeof value === "boolean") return value;
    throw this.#wrong(name, "true or false");
  }

  /** One of a closed set of words. */
  word<T extends string>(name: string, words: readonly T[]): T {
    const value = this.get(name);
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    throw this.#wrong(name, `one of ${words.join(", ")}`);
  }

  list(name: string, maxItems = 100_000): readonly unknown[] {
    const value = this.get(name);
    if (Array.isArray(value) && value.length <= maxItems) return value;
    throw this.#wrong(name, `a list of at most ${maxItems}`);
  }

  strings(name: string, maxItems = 10_000, maxLength = 131_072): string[] {
    return this.list(name, maxItems).map((item) => {
      if (typeof item === "string" && item.length <= maxLength) return item;
      throw this.#wrong(name, "a list of strings");
    });
  }

  object(name: string): Fields {
    return new Fields(`${this.#what}.${name}`, this.get(name));
  }

  /** Null where the field is null or absent, else what `read` makes of it. */
  nullable<T>(name: string, read: (fields: this) => T): T | null {
    const value = this.get(name);
    return value === null || value === undefined ? null : read(this);
  }

  #wrong(name: string, expected: string): Error {
    return protocolError(`${this.#what}.${name} is not ${expected}`);
  }
}

/** Parses JSON that came out of a container. @throws `internal` (reason `protocol`). */
export function parseJson(what: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch {
    throw protocolError(`${what} is no JSON`);
  }
}

/** A signal's name as podkit gives it, with `SIG`. */
export function signalField(fields: Fields, name: string): string | null {
  return fields.nullable(name, () => {
    const value = fields.string(name, 16);
    if (!/^[A-Z0-9+-]{1,16}$/.test(value)) throw protocolError(`${name} is no signal's name`);
    return value.startsWith("SIG") ? value : `SIG${value}`;
  });
}
