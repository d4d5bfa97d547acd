import type {
  FileChange,
  FileContent,
  FileInfo,
  FileOptions,
  FileSystem,
  ListFilesOptions,
  ReadFileOptions,
  WriteFileOptions,
} from "@podkit/core";
import type { Current } from "./current.js";
import { streamFrom } from "./streams.js";

/** Files of whichever container the identity has at the moment. */
export class HealingFiles implements FileSystem {
  readonly #current: Current;

  constructor(current: Current) {
    this.#current = current;
  }

  read(path: string, options: ReadFileOptions = {}): AsyncIterable<Uint8Array> {
    return streamFrom(this.#current, "The file's stream", options, ({ agent }) => agent.files.read(path, options));
  }

  write(path: string, content: FileContent, options: WriteFileOptions = {}): Promise<FileInfo> {
    // A stream can be read once only.
    const repeat = typeof content === "string" || content instanceof Uint8Array;
    return this.#current.use(options, ({ agent }) => agent.files.write(path, content, options), repeat);
  }

  stat(path: string, options: FileOptions & { readonly follow?: boolean | undefined } = {}): Promise<FileInfo> {
    return this.#current.use(options, ({ agent }) => agent.files.stat(path, options));
  }

  list(path: string, options: ListFilesOptions = {}): Promise<FileInfo[]> {
    return this.#current.use(options, ({ agent }) => agent.files.list(path, options));
  }

  mkdir(
    path: string,
    options: FileOptions & { readonly mode?: number | undefined; readonly parents?: boolean | undefined } = {},
  ): Promise<FileInfo> {
    return this.#current.use(options, ({ agent }) => agent.files.mkdir(path, options), options.parents === true);
  }

  rename(from: string, to: string, options: FileOptions = {}): Promise<void> {
    return this.#current.use(options, ({ agent }) => agent.files.rename(from, to, options), false);
  }

  remove(path: string, options: FileOptions & { readonly recursive?: boolean | undefined } = {}): Promise<void> {
    return this.#current.use(options, ({ agent }) => agent.files.remove(path, options), false);
  }

  readTar(path: string, options: FileOptions = {}): AsyncIterable<Uint8Array> {
    return streamFrom(this.#current, "The folder's stream", options, ({ agent }) => agent.files.readTar(path, options));
  }

  writeTar(path: string, tar: AsyncIterable<Uint8Array>, options: FileOptions = {}): Promise<void> {
    return this.#current.use(options, ({ agent }) => agent.files.writeTar(path, tar, options), false);
  }

  watch(
    path: string,
    options: FileOptions & { readonly recursive?: boolean | undefined } = {},
  ): AsyncIterable<FileChange> {
    return streamFrom(this.#current, "The watch", options, ({ agent }) => agent.files.watch(path, options));
  }
}
