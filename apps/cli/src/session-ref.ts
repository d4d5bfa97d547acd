import { PodkitError, parseId, type SessionId } from "podkit";

const REFERENCE = /^([A-Za-z0-9][A-Za-z0-9._@-]*)\/([A-Za-z0-9][A-Za-z0-9._@-]*)$/;
const REMOTE = /^([A-Za-z0-9][A-Za-z0-9._@-]*)\/([A-Za-z0-9][A-Za-z0-9._@-]*):(.*)$/s;

/** Flags that name a session. */
export interface SessionFlags {
  readonly user?: string | undefined;
  readonly session?: string | undefined;
}

/** A session and what was left of the arguments. */
export interface Named {
  readonly id: SessionId;
  readonly rest: readonly string[];
}

/** A place that `cp` reads or writes. */
export type Place =
  | { readonly kind: "local"; readonly path: string }
  | { readonly kind: "session"; readonly id: SessionId; readonly path: string };

/**
 * Takes the session from `--user` and `--session` where they are given, else from the first argument, `USER/SESSION`.
 * @throws `invalid_argument`
 */
export function takeSession(args: readonly string[], flags: SessionFlags): Named {
  if (flags.user !== undefined || flags.session !== undefined) {
    if (flags.user === undefined || flags.session === undefined) throw wrong("--user and --session go together.");
    return {
      id: { userId: parseId("userId", flags.user), sessionId: parseId("sessionId", flags.session) },
      rest: args,
    };
  }
  const [first, ...rest] = args;
  if (first === undefined) throw wrong("Which session? Name it as USER/SESSION, or with --user and --session.");
  return { id: parseReference(first), rest };
}

/** @throws `invalid_argument` */
export function parseReference(text: string): SessionId {
  const match = REFERENCE.exec(text);
  if (match === null) throw wrong(`${JSON.stringify(text)} names no session: it takes USER/SESSION, such as bob/123.`);
  return ids(match[1], match[2]);
}

/** `USER/SESSION:PATH` is in a session; all else is a path of this machine. A local path that looks so takes `./` before it. */
export function parsePlace(text: string): Place {
  const match = REMOTE.exec(text);
  if (match === null) return { kind: "local", path: text };
  const path = match[3] ?? "";
  return { kind: "session", id: ids(match[1], match[2]), path: path === "" ? "." : path };
}

function ids(user: string | undefined, session: string | undefined): SessionId {
  return { userId: parseId("userId", user), sessionId: parseId("sessionId", session) };
}

function wrong(message: string): PodkitError {
  return new PodkitError("invalid_argument", message, { details: { field: "session" } });
}
