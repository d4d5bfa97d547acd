import { createHash } from "node:crypto";
import { posix, resolve, sep } from "node:path";
import { PodkitError, parseId, quote } from "@podkit/core";

/** Where a path stands: a session's workspace, and where it is mounted in the container. */
export interface WorkspacePathOptions {
  /** The manager's workspace, an absolute path of this machine. */
  readonly workspace: string;
  readonly userId: string;
  readonly sessionId: string;
  /** Where the session's folder is mounted. Default `/workspace`. */
  readonly workingDir?: string | undefined;
}

/**
 * The folder of a session on this machine: `{workspace}/workspaces/{userId}/{sessionId}`. An id with upper-case letters gets a
 * hash suffix, as disks may not tell case apart. Pure: nothing is made or looked at.
 * @throws `invalid_argument` where an id or the workspace does not fit.
 */
export function getWorkspacePath(workspace: string, userId: string, sessionId: string): string {
  if (typeof workspace !== "string" || workspace === "" || workspace.includes("\0")) {
    throw new PodkitError("invalid_argument", `workspace ${quote(workspace)} is no path: give an absolute one.`, {
      details: { field: "workspace" },
    });
  }
  return resolve(workspace, ...workspaceFolders(userId, sessionId));
}

/** The folders of a session below the workspace, from the outer to the inner. */
export function workspaceFolders(userId: string, sessionId: string): readonly [string, string, string] {
  return ["workspaces", folderName(parseId("userId", userId)), folderName(parseId("sessionId", sessionId))];
}

/**
 * Where a file of the container's working folder stands on this machine. A relative path is under `workingDir`. Only a translation of names: what
 * stands there was written by the container, so open it with care for symbolic links.
 * @throws `invalid_argument` where the path is outside the working folder.
 */
export function toHostPath(containerPath: string, options: WorkspacePathOptions): string {
  const base = posix.resolve("/", options.workingDir ?? "/workspace");
  refuseNul(containerPath);
  const inside = below(posix.resolve(base, containerPath), base, "/", containerPath);
  return resolve(getWorkspacePath(options.workspace, options.userId, options.sessionId), ...inside);
}

/**
 * Where a file of the session's folder on this machine stands in the container.
 * @throws `invalid_argument` where the path is outside the session's folder.
 */
export function toContainerPath(hostPath: string, options: WorkspacePathOptions): string {
  const base = getWorkspacePath(options.workspace, options.userId, options.sessionId);
  refuseNul(hostPath);
  const inside = below(resolve(base, hostPath), base, sep, hostPath);
  return posix.resolve("/", options.workingDir ?? "/workspace", ...inside);
}

function below(path: string, base: string, separator: string, given: string): string[] {
  if (path === base) return [];
  const prefix = base.endsWith(separator) ? base : base + separator;
  if (path.startsWith(prefix)) return path.slice(prefix.length).split(separator);
  throw new PodkitError("invalid_argument", `${quote(given)} is outside ${quote(base)}.`, {
    details: { path: given, base },
  });
}

function refuseNul(path: string): void {
  if (typeof path === "string" && !path.includes("\0")) return;
  throw new PodkitError("invalid_argument", `${quote(path)} is no path: it has a NUL.`);
}

/** `~` is in no id, so a suffixed name is never another id's own. */
function folderName(id: string): string {
  if (id === id.toLowerCase()) return id;
  return `${id}~${createHash("sha256").update(id, "utf8").digest("hex").slice(0, 12)}`;
}
