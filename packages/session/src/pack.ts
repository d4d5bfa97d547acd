import type { FileHandle } from "node:fs/promises";
import { PodkitError } from "@podkit/core";
import type { HostFolder } from "./host-folder.js";
import { TAR_END, tarHeader, tarPadding } from "./tar-writer.js";

const CHUNK_BYTES = 256 * 1024;

/** What is said of a socket, pipe or device: it is not left out silently. */
export function neitherFileNorFolder(path: string): PodkitError {
  return new PodkitError(
    "invalid_argument",
    `${path} is neither a file, a folder nor a symbolic link, and cannot be uploaded.`,
    { details: { field: "localPath" } },
  );
}

/** A file's content, as long as it was when it was looked at. @throws `conflict` where it was cut short meanwhile. */
export async function* fileContent(file: FileHandle, name: string, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; ) {
    // A buffer each: what was given away may still be on its way.
    const { bytesRead, buffer } = await file.read(
      Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - at)),
      0,
      undefined,
      at,
    );
    if (bytesRead === 0) {
      throw new PodkitError("conflict", `${name} was cut short while it was read. Try again once nobody writes it.`, {
        retryable: true,
        details: { path: name },
      });
    }
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** A folder's content as a tar stream, made as it is asked for; links are taken as links. */
export async function* folderAsTar(folder: HostFolder): AsyncGenerator<Uint8Array> {
  yield* entries(folder, "");
  yield TAR_END;
}

async function* entries(folder: HostFolder, path: string): AsyncGenerator<Uint8Array> {
  for (const child of await folder.names()) {
    const name = `${path}${child}`;
    const stats = await folder.lstat(child);
    const facts = { name, mode: stats.mode & 0o777, mtimeMs: stats.mtimeMs, size: 0 };
    if (stats.isDirectory()) {
      yield tarHeader({ ...facts, type: "directory" });
      yield* within(await folder.folder(child), (opened) => entries(opened, `${name}/`));
    } else if (stats.isSymbolicLink()) {
      yield tarHeader({ ...facts, type: "symlink", linkName: await folder.readlink(child) });
    } else if (stats.isFile()) {
      yield* within(await folder.readFile(child), (opened) => fileEntry(opened, facts));
    } else throw neitherFileNorFolder(name);
  }
}

async function* fileEntry(
  file: FileHandle,
  facts: { readonly name: string; readonly mode: number; readonly mtimeMs: number },
): AsyncGenerator<Uint8Array> {
  const stats = await file.stat();
  if (!stats.isFile()) throw neitherFileNorFolder(facts.name);
  yield tarHeader({ ...facts, size: stats.size, type: "file" });
  yield* fileContent(file, facts.name, stats.size);
  yield tarPadding(stats.size);
}

async function* within<T extends { close(): Promise<void> }>(
  opened: T,
  use: (opened: T) => AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* use(opened);
  } finally {
    await opened.close();
  }
}
