import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PodkitError, quote } from "@podkit/core";
import { workspaceFolders } from "./paths.js";

/**
 * Makes a session's folder in the workspace, and gives back its path. Only these folders themselves are looked at, never what is in the
 * session's: a container may have written there. A symbolic link in a folder's place is refused, not followed.
 * @throws `invalid_state` where something else stands in a folder's place, `permission_denied` where it may not be made.
 */
export async function makeWorkspace(workspace: string, userId: string, sessionId: string): Promise<string> {
  try {
    await mkdir(workspace, { recursive: true });
    let path = workspace;
    for (const folder of workspaceFolders(userId, sessionId)) {
      path = join(path, folder);
      await makeFolder(path);
    }
    return path;
  } catch (error) {
    if (PodkitError.is(error)) throw error;
    const code = codeOf(error);
    const denied = code === "EACCES" || code === "EPERM" || code === "EROFS";
    throw new PodkitError(
      denied ? "permission_denied" : "invalid_state",
      `The session's folder below ${quote(workspace)} could not be made (${code ?? "unknown"}). Check the workspace's path and its owner.`,
      { cause: error, details: { workspace } },
    );
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
    return;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  const found = await lstat(path);
  if (found.isDirectory()) return;
  throw new PodkitError(
    "invalid_state",
    `${quote(path)} is ${found.isSymbolicLink() ? "a symbolic link" : "no folder"}, and podkit does not follow it. Remove it, or use another workspace.`,
    { details: { path } },
  );
}

function codeOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}
