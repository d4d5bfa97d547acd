import { isRecord, refuse } from "./problem.js";
import { listOf, matching, type Parse, text } from "./scalars.js";

/** The engine's own limit of one argument (MAX_ARG_STRLEN). */
const ARGUMENT = text(131_071);

/** The words of a program; may be empty. */
export const words: Parse<readonly string[]> = (field, value) => {
  const list = listOf(ARGUMENT)(field, value);
  return list[0] === "" ? refuse(field, value, "its first element, the program, must not be empty") : list;
};

/** A command: a text for the shell, or words. */
export const command: Parse<string | readonly string[]> = (field, value) => {
  if (typeof value === "string") return text(131_071, 1)(field, value);
  const list = words(field, value);
  return list.length > 0 ? list : refuse(field, value, "it takes a text, or a list with at least the program");
};

/** Names and values of environment variables. What starts with PODKIT_ is the agent's own and would not reach a command. */
export const environment: Parse<Readonly<Record<string, string>>> = (field, value) =>
  texts(field, value, (name) => {
    if (name === "" || /[=\0]/.test(name)) return "a variable's name has at least one character and no = or NUL";
    return name.startsWith("PODKIT_")
      ? "names that begin with PODKIT_ are kept for the agent; take another"
      : undefined;
  });

/** Labels beside podkit's own. */
export const labels: Parse<Readonly<Record<string, string>>> = (field, value) =>
  texts(field, value, (name) => {
    if (name === "" || name.length > 255 || /[\0\n\r=]/.test(name))
      return "a label's name has 1 to 255 characters and no =, NUL or line break";
    return name.toLowerCase().startsWith("dev.podkit.")
      ? "labels that begin with dev.podkit. are podkit's own; take another"
      : undefined;
  });

/** Who runs commands. */
export const user: Parse<string> = matching(
  /^(?:[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?|[0-9]{1,10})(?::(?:[A-Za-z_][A-Za-z0-9_.-]{0,63}|[0-9]{1,10}))?$/,
  'it takes a name, a uid, "uid:gid" or "name:group"',
);

function texts(
  field: string,
  value: unknown,
  wrong: (name: string) => string | undefined,
): Readonly<Record<string, string>> {
  if (!isRecord(value)) return refuse(field, value, "it takes an object of names and texts");
  const entries: [string, string][] = [];
  for (const [name, entry] of Object.entries(value)) {
    const problem = wrong(name);
    if (problem !== undefined) refuse(`${field} name`, name, problem);
    // The value may be a secret, so that it never stands in the message.
    if (typeof entry !== "string")
      refuse(`${field}.${name.slice(0, 60)}`, `(${typeof entry})`, "it takes a text; write numbers in quotes");
    else if (entry.includes("\0"))
      refuse(`${field}.${name.slice(0, 60)}`, "(a text)", "a NUL character cannot be passed on");
    else entries.push([name, entry]);
  }
  // Not an ordinary object literal: "__proto__" is a name like any other here.
  return Object.fromEntries(entries);
}
