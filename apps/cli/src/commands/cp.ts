import { lstat, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import { PodkitError, type Session } from "podkit";
import type { CommonFlags, Io } from "../io.js";
import { parsePlace } from "../session-ref.js";
import { printJson, withPodkit } from "../with-podkit.js";
import { interruptible } from "./run.js";

/** `podkit cp`: a file or folder into a session or out of it. As with cp, into a folder that is there it goes under its own name. */
export async function cp(from: string, to: string, flags: CommonFlags, io: Io): Promise<number> {
  const source = parsePlace(from);
  const target = parsePlace(to);
  if (source.kind === target.kind) {
    throw new PodkitError(
      "invalid_argument",
      "One of the two is in a session, USER/SESSION:PATH, and the other a path of this machine.",
    );
  }
  const id = source.kind === "session" ? source.id : target.kind === "session" ? target.id : undefined;
  if (id === undefined) return 0;
  return withPodkit(flags, io, ({ podkit }) =>
    interruptible(async (relay) => {
      const session = await podkit.findSession({ ...id, signal: relay.signal });
      const { signal } = relay;
      const into =
        source.kind === "local"
          ? await remoteTarget(session, source.path, target.path)
          : await localTarget(source.path, target.path);
      if (source.kind === "local") await session.files.upload(source.path, into, { signal });
      else await session.files.download(source.path, into, { signal });
      if (flags.json === true) printJson(io, { from, to: into });
      return 0;
    }),
  );
}

async function remoteTarget(session: Session, local: string, path: string): Promise<string> {
  await stat(local).catch(() => {
    throw new PodkitError("not_found", `There is no ${local} on this machine.`);
  });
  const name = basename(local);
  if (path.endsWith("/")) return posix.join(path, name);
  if (name === "." || name === ".." || local.endsWith("/.")) return path;
  try {
    return (await session.files.stat(path)).type === "directory" ? posix.join(path, name) : path;
  } catch (error) {
    if (PodkitError.is(error, "not_found")) return path;
    throw error;
  }
}

async function localTarget(path: string, local: string): Promise<string> {
  const name = posix.basename(path);
  if (name === "." || name === ".." || name === "" || path.endsWith("/.")) return local;
  if (local.endsWith("/")) return join(local, name);
  const there = await lstat(local).catch(() => null);
  return there?.isDirectory() === true ? join(local, name) : local;
}
