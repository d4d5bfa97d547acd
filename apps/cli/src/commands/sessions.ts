import type { LimitInfo, SandboxInfo, SandboxSummary, Session, SessionId } from "podkit";
import type { CommonFlags, Io } from "../io.js";
import { isBrokenPipe, OWN_FAILURE, report } from "../report.js";
import { type SessionFlags, takeSession } from "../session-ref.js";
import { ago, facts, size, table } from "../table.js";
import { printJson, withPodkit } from "../with-podkit.js";

type Flags = CommonFlags & SessionFlags;

/** `podkit ls` */
export async function ls(flags: CommonFlags & { readonly quiet?: boolean | undefined }, io: Io): Promise<number> {
  return withPodkit(flags, io, async ({ podkit }) => {
    const sessions = [...(await podkit.list())].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
    if (flags.json === true) printJson(io, sessions);
    else if (flags.quiet === true) for (const session of sessions) io.stdout.write(`${nameOf(session)}\n`);
    else io.stdout.write(table(["SESSION", "STATE", "CREATED", "CONTAINER"], sessions.map(row)));
    return 0;
  });
}

/** `podkit info` */
export async function info(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withSession(args, flags, io, async (session) => {
    const found = await session.info();
    if (flags.json === true) printJson(io, found);
    else io.stdout.write(describe(found));
  });
}

/** `podkit stop` */
export async function stop(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withSession(args, flags, io, async (session) => {
    await session.stop();
    told(session, "stopped", flags, io);
  });
}

/** `podkit rm` */
export async function rm(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withSession(args, flags, io, async (session) => {
    await session.close();
    told(session, "removed", flags, io);
  });
}

/** Does something with each session that is named, one at least; one that fails keeps no other from its turn. */
async function withSession(
  args: readonly string[],
  flags: Flags,
  io: Io,
  work: (session: Session) => Promise<void>,
): Promise<number> {
  const ids: SessionId[] = [];
  for (let left = args, first = true; first || left.length > 0; first = false) {
    const { id, rest } = takeSession(left, first ? flags : {});
    ids.push(id);
    left = rest;
  }
  return withPodkit(flags, io, async ({ podkit }) => {
    let code = 0;
    for (const id of ids) {
      try {
        await work(await podkit.findSession(id));
      } catch (error) {
        if (isBrokenPipe(error)) throw error;
        report(error, flags, io);
        code = OWN_FAILURE;
      }
    }
    return code;
  });
}

function told(session: Session, what: string, flags: CommonFlags, io: Io): void {
  const { userId, sessionId } = session;
  if (flags.json === true) printJson(io, { userId, sessionId, [what]: true });
  else io.stdout.write(`${userId}/${sessionId} ${what}\n`);
}

function nameOf({ userId, sessionId }: SandboxSummary): string {
  return `${userId}/${sessionId}`;
}

function row(session: SandboxSummary): string[] {
  return [nameOf(session), session.state, ago(session.createdAt, Date.now()), session.containerName];
}

function describe(found: SandboxInfo): string {
  const { limits } = found;
  const ports = found.ports.map(
    ({ address, host, container, protocol }) => `${address}:${host} -> ${container}/${protocol}`,
  );
  const networks = Object.entries(found.networks).map(([name, address]) =>
    address === null ? name : `${name} (${address})`,
  );
  return facts([
    ["session", `${found.userId}/${found.sessionId}`],
    ["state", found.exitCode === null ? found.state : `${found.state}, exit code ${found.exitCode}`],
    ["image", found.image],
    ["container", `${found.containerName} (${found.containerId.slice(0, 12)})`],
    ["engine", `${found.backend} ${found.engine.version} at ${found.engine.endpoint}`],
    ["created", time(found.createdAt)],
    ["started", time(found.startedAt)],
    ["last activity", time(found.lastActivityAt)],
    [
      "limits",
      `${limit(limits.cpus)} cpus, ${limit(limits.memoryBytes, size)} of memory, ${limit(limits.pids)} processes`,
    ],
    ["ports", ports.join(", ") || "none"],
    ["networks", networks.join(", ") || "none"],
    ["workspace", found.workspacePath ?? "none"],
    ["agent", found.agentVersion],
  ]);
}

function limit({ value, enforced }: LimitInfo, show: (value: number) => string = String): string {
  if (value === null) return "unlimited";
  return enforced ? show(value) : `${show(value)} (not enforced)`;
}

function time(at: number | null): string {
  return at === null ? "-" : new Date(at).toISOString();
}
