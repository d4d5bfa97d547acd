import { lstat, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type FileOptions, type FileSystem, PodkitError } from "@podkit/core";
import { type ExtractLimits, extract, writeAll } from "./extract.js";
import { hostError } from "./host-error.js";
import { HostFolder } from "./host-folder.js";
import { checkCount } from "./numbers.js";

/** Options of a download. */
export interface DownloadOptions extends FileOptions {
  /** Bytes that are taken at most. Default 8 GiB. */
  readonly maxBytes?: number | undefined;
  /** Files, folders and links that are taken at most. Default 200 000. */
  readonly maxEntries?: number | undefined;
}

/** What {@link download} takes. */
export interface DownloadRequest {
  readonly files: FileSystem;
  readonly path: string;
  readonly localPath: string;
  readonly options: DownloadOptions;
}

const DEFAULT_LIMITS: ExtractLimits = { maxBytes: 8 * 1024 ** 3, maxEntries: 200_000 };
const CONTENT = "content";

/** See `Files.download`. */
export async function download({ files, path, localPath, options }: DownloadRequest): Promise<void> {
  const { maxBytes = DEFAULT_LIMITS.maxBytes, maxEntries = DEFAULT_LIMITS.maxEntries, ...call } = options;
  checkCount("maxBytes", maxBytes, 0);
  checkCount("maxEntries", maxEntries, 1);
  const target = resolve(localPath);
  const { type } = await files.stat(path, call);
  if (type !== "file" && type !== "directory") {
    throw new PodkitError("invalid_state", `${path} is neither a file nor a folder, and cannot be downloaded.`, {
      details: { path },
    });
  }
  const doing = `Downloading ${path} to ${target}`;
  try {
    await checkTarget(target, type);
    await mkdir(dirname(target), { recursive: true });
    await throughTemporary(target, async (folder) => {
      if (type === "file") return receiveFile(folder, files.read(path, call), maxBytes);
      return receiveFolder(folder, files.readTar(path, call), { maxBytes, maxEntries });
    });
  } catch (error) {
    throw hostError(doing, error);
  }
}

/** Refuses what could not be renamed into place, before anything is sent. */
async function checkTarget(target: string, type: "file" | "directory"): Promise<void> {
  const there = await lstat(target).catch(() => null);
  if (there === null) return;
  const fits = type === "file" ? !there.isDirectory() : there.isDirectory() && (await readdir(target)).length === 0;
  if (fits) return;
  const rule =
    type === "file"
      ? "a file can be replaced, a folder cannot"
      : "a folder needs a path that is free, or an empty folder";
  throw new PodkitError(
    "already_exists",
    `${target} is there already: ${rule}. Name another path, or remove it first.`,
    { details: { localPath: target } },
  );
}

/** Lets `fill` make "content" in a new folder beside the target, puts it into place, and clears the folder away in any case. */
async function throughTemporary(target: string, fill: (folder: HostFolder) => Promise<void>): Promise<void> {
  const temporary = await mkdtemp(join(dirname(target), `.${basename(target).slice(0, 100)}.podkit-`));
  try {
    const folder = await HostFolder.open(temporary);
    try {
      await fill(folder);
    } finally {
      await folder.close();
    }
    await rename(join(temporary, CONTENT), target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function receiveFile(folder: HostFolder, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void> {
  const file = await folder.createFile(CONTENT);
  try {
    await writeAll(file, content, maxBytes);
    await file.chmod(0o644);
  } finally {
    await file.close();
  }
}

async function receiveFolder(
  folder: HostFolder,
  archive: AsyncIterable<Uint8Array>,
  limits: ExtractLimits,
): Promise<void> {
  const root = await folder.ensureFolder(CONTENT);
  try {
    await root.chmod(0o755);
    await extract(archive, root, limits);
  } finally {
    await root.close();
  }
}
