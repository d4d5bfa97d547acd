import type { CallOptions } from "./call.js";

/** What a file is. */
export type FileType = "file" | "directory" | "symlink" | "other";

/** A file in the container. */
export interface FileInfo {
  /** Absolute path. */
  readonly path: string;
  readonly name: string;
  readonly type: FileType;
  /** Bytes. */
  readonly size: number;
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
  /** What a symbolic link points to; absent for others. */
  readonly target?: string | undefined;
}

/** Whose rights a file operation has. */
export interface FileOptions extends CallOptions {
  /** Default: the config's user, else the image's. */
  readonly user?: string | undefined;
}

/** What can be written. */
export type FileContent = string | Uint8Array | AsyncIterable<Uint8Array>;

/** Options of a write. */
export interface WriteFileOptions extends FileOptions {
  /** Permission bits of a new file. Default 0o644. */
  readonly mode?: number | undefined;
}

/** Options of a read. */
export interface ReadFileOptions extends FileOptions {
  /** First byte. Default 0. */
  readonly offset?: number | undefined;
  /** At most so many bytes. Default: to the end. */
  readonly length?: number | undefined;
}

/** Options of a listing. */
export interface ListFilesOptions extends FileOptions {
  /** How deep; 1 is the folder itself. Default 1. */
  readonly depth?: number | undefined;
}

/** A change that a watch saw. */
export interface FileChange {
  /** `overflow`: changes were missed; look again. */
  readonly type: "created" | "modified" | "removed" | "renamed" | "overflow";
  readonly path: string;
}

/** Files of one container, by the agent in it. A relative path is under the config's `workingDir`. */
export interface FileSystem {
  /** The bytes, as they come. */
  read(path: string, options?: ReadFileOptions): AsyncIterable<Uint8Array>;
  /** Writes the whole file or nothing; missing folders are made. */
  write(path: string, content: FileContent, options?: WriteFileOptions): Promise<FileInfo>;
  /** Follows a symbolic link where `follow` is true (the default). */
  stat(path: string, options?: FileOptions & { readonly follow?: boolean | undefined }): Promise<FileInfo>;
  list(path: string, options?: ListFilesOptions): Promise<FileInfo[]>;
  mkdir(
    path: string,
    options?: FileOptions & { readonly mode?: number | undefined; readonly parents?: boolean | undefined },
  ): Promise<FileInfo>;
  rename(from: string, to: string, options?: FileOptions): Promise<void>;
  remove(path: string, options?: FileOptions & { readonly recursive?: boolean | undefined }): Promise<void>;
  /** A folder (its content) or a file as a tar stream. */
  readTar(path: string, options?: FileOptions): AsyncIterable<Uint8Array>;
  /** Unpacks a tar stream below `path`. */
  writeTar(path: string, tar: AsyncIterable<Uint8Array>, options?: FileOptions): Promise<void>;
  /** Changes below a folder, until the iteration ends. */
  watch(path: string, options?: FileOptions & { readonly recursive?: boolean | undefined }): AsyncIterable<FileChange>;
}
