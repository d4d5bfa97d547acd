import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type FileOptions, type FileSystem, type PodkitError, throwIfAborted } from "@podkit/core";
import { hostError } from "./host-error.js";
import { HostFolder } from "./host-folder.js";
import { fileContent, folderAsTar, neitherFileNorFolder } from "./pack.js";

/** What {@link upload} takes. */
export interface UploadRequest {
  readonly files: FileSystem;
  readonly localPath: string;
  readonly path: string;
  readonly options: FileOptions;
}

/** See `Files.upload`. */
export async function upload({ files, localPath, path, options }: UploadRequest): Promise<void> {
  const source = resolve(localPath);
  const doing = `Uploading ${source} to ${path}`;
  throwIfAborted(doing, options.signal);
  let failure: PodkitError | undefined;
  const told = <T>(content: AsyncIterable<T>): AsyncGenerator<T> =>
    watched(content, (error) => {
      failure = hostError(doing, error);
      return failure;
    });
  try {
    const there = await stat(source);
    if (there.isDirectory()) return await uploadFolder(files, source, path, options, told);
    if (there.isFile()) return await uploadFile(files, source, path, options, told);
  } catch (error) {
    // What failed on this side says more than what the other side made of it.
    throw failure ?? hostError(doing, error);
  }
  throw neitherFileNorFolder(source);
}

type Told = (content: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>;

async function uploadFolder(
  files: FileSystem,
  source: string,
  path: string,
  options: FileOptions,
  told: Told,
): Promise<void> {
  const folder = await HostFolder.open(source, true);
  try {
    await files.writeTar(path, told(folderAsTar(folder)), options);
  } finally {
    await folder.close();
  }
}

async function uploadFile(
  files: FileSystem,
  source: string,
  path: string,
  options: FileOptions,
  told: Told,
): Promise<void> {
  const file: FileHandle = await open(source, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { mode, size } = await file.stat();
    await files.write(path, told(fileContent(file, source, size)), { ...options, mode: mode & 0o777 });
  } finally {
    await file.close();
  }
}

async function* watched<T>(content: AsyncIterable<T>, onFailure: (error: unknown) => PodkitError): AsyncGenerator<T> {
  try {
    yield* content;
  } catch (error) {
    throw onFailure(error);
  }
}
