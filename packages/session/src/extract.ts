import type { FileHandle } from "node:fs/promises";
import { PodkitError } from "@podkit/core";
import { checkLinkTarget, entryParts, refused } from "./entry-path.js";
import type { HostFolder } from "./host-folder.js";
import { badTar } from "./tar-header.js";
import { readTar, type TarEntry } from "./tar-reader.js";

/** How much a container may send. */
export interface ExtractLimits {
  /** Bytes of all files together. */
  readonly maxBytes: number;
  /** Files, folders and links together. */
  readonly maxEntries: number;
}

/**
 * Unpacks an archive that nobody vouches for into a folder that is empty and new.
 * @throws `permission_denied` at the first entry that would leave it; `resource_exhausted` past the limits; `invalid_state` where the archive is broken.
 */
export async function extract(
  archive: AsyncIterable<Uint8Array>,
  root: HostFolder,
  limits: ExtractLimits,
): Promise<void> {
  const chain = new FolderChain(root);
  let entries = 0;
  let bytes = 0;
  try {
    for await (const entry of readTar(archive)) {
      entries += 1;
      bytes += entry.size;
      if (entries > limits.maxEntries)
        throw tooMuch(`more than ${limits.maxEntries} files`, { maxEntries: limits.maxEntries });
      if (bytes > limits.maxBytes) throw tooMuch(`more than ${limits.maxBytes} bytes`, { maxBytes: limits.maxBytes });
      await place(entry, chain);
    }
  } finally {
    await chain.close();
  }
}

async function place(entry: TarEntry, chain: FolderChain): Promise<void> {
  const parts = entryParts(entry.name);
  const name = parts.at(-1);
  if (entry.type === "5") {
    const folder = await chain.enter(parts);
    // Its owner can always clear it away again.
    if (name !== undefined) await folder.chmod(entry.mode | 0o700);
    return;
  }
  if (name === undefined) throw badTar("a file has no name");
  const folder = await chain.enter(parts.slice(0, -1));
  if (entry.type === "0" || entry.type === "7") return writeFile(await folder.createFile(name).catch(twice), entry);
  if (entry.type === "2") {
    checkLinkTarget(parts, entry.linkName);
    return folder.symlink(entry.linkName, name).catch(twice);
  }
  throw refused(entry.name, entry.type === "1" ? "it is a hard link" : "it is neither file, folder nor symbolic link");
}

function twice(error: unknown): never {
  if (error instanceof Error && "code" in error && error.code === "EEXIST") throw badTar("one name comes twice");
  throw error;
}

async function writeFile(file: FileHandle, entry: TarEntry): Promise<void> {
  try {
    await writeAll(file, entry.content());
    await file.chmod(entry.mode);
    const seconds = Math.min(Math.max(Math.floor(entry.mtimeMs / 1000), 0), 0xffff_ffff);
    await file.utimes(seconds, seconds);
  } finally {
    await file.close();
  }
}

/** Writes every byte; gives their number. */
export async function writeAll(
  file: FileHandle,
  content: AsyncIterable<Uint8Array>,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<number> {
  let total = 0;
  for await (const chunk of content) {
    total += chunk.byteLength;
    if (total > maxBytes) throw tooMuch(`more than ${maxBytes} bytes`, { maxBytes });
    for (let at = 0; at < chunk.byteLength; ) at += (await file.write(chunk, at)).bytesWritten;
  }
  return total;
}

function tooMuch(what: string, details: Readonly<Record<string, number>>): PodkitError {
  return new PodkitError(
    "resource_exhausted",
    `The container sent ${what}, which download does not take; nothing was kept. Raise maxBytes or maxEntries, or take less of it.`,
    { details },
  );
}

/** The open folders from the root down to where the last entry went: entries come folder by folder. */
class FolderChain {
  readonly #root: HostFolder;
  readonly #open: { readonly name: string; readonly folder: HostFolder }[] = [];

  constructor(root: HostFolder) {
    this.#root = root;
  }

  async enter(parts: readonly string[]): Promise<HostFolder> {
    let same = 0;
    while (same < parts.length && this.#open[same]?.name === parts[same]) same += 1;
    await this.#shrink(same);
    for (const name of parts.slice(same)) {
      const folder = await this.#last()
        .ensureFolder(name)
        .catch((error: unknown) => notThroughLinks(parts, error));
      this.#open.push({ name, folder });
    }
    return this.#last();
  }

  close(): Promise<void> {
    return this.#shrink(0);
  }

  #last(): HostFolder {
    return this.#open.at(-1)?.folder ?? this.#root;
  }

  async #shrink(length: number): Promise<void> {
    for (const { folder } of this.#open.splice(length)) await folder.close();
  }
}

function notThroughLinks(parts: readonly string[], error: unknown): never {
  const code = error instanceof Error && "code" in error ? error.code : "";
  if (code === "ELOOP" || code === "ENOTDIR") throw refused(parts.join("/"), "its folder is a link or a file");
  throw error;
}
