import {
  type FileChange,
  type FileContent,
  type FileInfo,
  type FileOptions,
  type FileSystem,
  type ListFilesOptions,
  PodkitError,
  type ReadFileOptions,
  type SessionFiles,
  type WriteFileOptions,
} from "@podkit/core";
import { parsePath, parseUser } from "@podkit/processes";
import { Blocks } from "./blocks.js";
import { type DownloadOptions, download } from "./download.js";
import { checkCount, checkMode } from "./numbers.js";
import { upload } from "./upload.js";
import { decodeUtf8 } from "./utf8.js";

/** The largest file that `read` takes into memory; `readStream` has no such limit. */
export const MAX_READ_BYTES = 256 * 1024 * 1024;

/** Files of one session. */
export class Files implements SessionFiles {
  readonly #files: () => FileSystem;

  /** `files` throws `invalid_state` where the session was closed. */
  constructor(files: () => FileSystem) {
    this.#files = files;
  }

  /** Text of a file of at most 256 MiB. @throws `not_found`, `resource_exhausted` where it is larger, `invalid_state` where it is a folder. */
  read(path: string, options?: ReadFileOptions & { readonly encoding?: "utf8" | undefined }): Promise<string>;
  /** As with text above, and gives bytes. */
  read(path: string, options: ReadFileOptions & { readonly encoding: "buffer" }): Promise<Uint8Array>;
  async read(
    path: string,
    options: ReadFileOptions & { readonly encoding?: "utf8" | "buffer" | undefined } = {},
  ): Promise<string | Uint8Array> {
    const { encoding, ...rest } = options;
    const content = new Blocks();
    for await (const chunk of this.readStream(path, rest)) {
      if (content.length + chunk.byteLength > MAX_READ_BYTES) throw tooLarge(path);
      content.push(chunk);
    }
    const all = content.join();
    return encoding === "buffer" ? all : decodeUtf8(all);
  }

  /** The bytes as they come, for files of any size. @throws as `read`, with the first piece. */
  readStream(path: string, options: ReadFileOptions = {}): AsyncIterable<Uint8Array> {
    checkTarget("path", path, options);
    if (options.offset !== undefined) checkCount("offset", options.offset, 0);
    if (options.length !== undefined) checkCount("length", options.length, 0);
    return this.#files().read(path, options);
  }

  /** Writes the whole file or nothing; missing folders are made. An existing file keeps its owner and mode. */
  async write(path: string, content: FileContent, options: WriteFileOptions = {}): Promise<FileInfo> {
    checkTarget("path", path, options);
    checkContent(content);
    if (options.mode !== undefined) checkMode("mode", options.mode);
    return this.#files().write(path, content, options);
  }

  /** What a folder holds, sorted by path. @throws `not_found` */
  async list(path = ".", options: ListFilesOptions = {}): Promise<FileInfo[]> {
    checkTarget("path", path, options);
    if (options.depth !== undefined) checkCount("depth", options.depth, 1);
    return this.#files().list(path, options);
  }

  /** @throws `not_found` */
  async stat(path: string, options: FileOptions = {}): Promise<FileInfo> {
    checkTarget("path", path, options);
    return this.#files().stat(path, options);
  }

  /** False where there is none. */
  async exists(path: string, options: FileOptions = {}): Promise<boolean> {
    try {
      await this.stat(path, options);
      return true;
    } catch (error) {
      // A session that is gone for good is `not_found` too, and no answer about a file.
      if (PodkitError.is(error, "not_found") && error.details["reason"] === undefined) return false;
      throw error;
    }
  }

  /** Removes a file, or a folder: one that is not empty only with `recursive`. @throws `not_found` */
  async remove(path: string, options: FileOptions & { readonly recursive?: boolean | undefined } = {}): Promise<void> {
    checkTarget("path", path, options);
    await this.#files().remove(path, options);
  }

  /** Missing parents are made too; a folder that is there is fine. */
  async mkdir(path: string, options: FileOptions & { readonly mode?: number | undefined } = {}): Promise<FileInfo> {
    checkTarget("path", path, options);
    if (options.mode !== undefined) checkMode("mode", options.mode);
    return this.#files().mkdir(path, { ...options, parents: true });
  }

  /** Renames within one mount. @throws `not_found` */
  async rename(from: string, to: string, options: FileOptions = {}): Promise<void> {
    checkTarget("from", from, options);
    parsePath("to", to);
    await this.#files().rename(from, to, options);
  }

  /**
   * A file of this machine to the file `path`, or a folder's content into the folder `path`. Symbolic links are taken as links.
   * @throws `not_found` where there is no such file here, `invalid_argument` where something in it is neither file, folder nor link.
   */
  async upload(localPath: string, path: string, options: FileOptions = {}): Promise<void> {
    checkTarget("path", path, options);
    parsePath("localPath", localPath);
    await upload({ files: this.#files(), localPath, path, options });
  }

  /**
   * The file `path` to `localPath` (an existing file is replaced), or the folder `path` as the folder `localPath`, which must not be
   * there or be empty. It is put together in a new folder beside `localPath` and then renamed, so that it is there as a whole or not
   * at all; only files, folders and links that stay inside it are taken, with their permission bits. `localPath` should not lie in
   * a folder that the container can write, such as the workspace.
   * @throws `not_found`; `already_exists`; `permission_denied` where the container sent a link or name that leads out;
   * `resource_exhausted` where it is larger than `maxBytes` (default 8 GiB) or has more than `maxEntries` (default 200 000).
   */
  async download(path: string, localPath: string, options: DownloadOptions = {}): Promise<void> {
    checkTarget("path", path, options);
    parsePath("localPath", localPath);
    await download({ files: this.#files(), path, localPath, options });
  }

  /** Changes below a folder, until the iteration ends; an abort only lets go. */
  watch(
    path: string,
    options: FileOptions & { readonly recursive?: boolean | undefined } = {},
  ): AsyncIterable<FileChange> {
    checkTarget("path", path, options);
    return this.#files().watch(path, options);
  }
}

function checkTarget(field: string, path: unknown, options: FileOptions): void {
  parsePath(field, path);
  if (options.user !== undefined) parseUser(options.user);
}

function checkContent(content: unknown): void {
  if (typeof content === "string" || content instanceof Uint8Array) return;
  if (typeof content === "object" && content !== null && Symbol.asyncIterator in content) return;
  throw new PodkitError("invalid_argument", "content takes a text, a Uint8Array or an async iterable of Uint8Arrays.", {
    details: { field: "content" },
  });
}

function tooLarge(path: string): PodkitError {
  return new PodkitError(
    "resource_exhausted",
    `${path} is larger than ${MAX_READ_BYTES} bytes, which read does not take into memory: use readStream or download.`,
    {
      details: { path, maxBytes: MAX_READ_BYTES },
    },
  );
}
