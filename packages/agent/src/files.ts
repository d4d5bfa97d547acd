import type { IncomingHttpHeaders } from "node:http2";
import {
  type CallOptions,
  type FileChange,
  type FileContent,
  type FileInfo,
  type FileOptions,
  type FileSystem,
  type ListFilesOptions,
  PodkitError,
  quote,
  type ReadFileOptions,
  type WriteFileOptions,
} from "@podkit/core";
import { type Caller, nothing } from "./caller.js";
import { parseChange, parseFileInfo, parseListing } from "./file-models.js";
import { checkInteger, checkPath, withQuery } from "./paths.js";
import { protocolError } from "./violation.js";

/** Entries of one listing. */
const MAX_ENTRIES = 50_000;
const MODE_MAX = 0o7777;

/** The files of one container, by its agent. */
export class AgentFiles implements FileSystem {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  read(path: string, { offset, length, user, signal }: ReadFileOptions = {}): AsyncIterable<Uint8Array> {
    checkInteger("offset", offset, 0);
    checkInteger("length", length, 0);
    return this.#caller.download({
      doing: `Reading ${quote(path)}`,
      path: withQuery("/v1/files/content", { path: checkPath("path", path), offset, length, user }),
      signal,
      size: contentLength,
    });
  }

  async write(path: string, content: FileContent, { mode, user, signal }: WriteFileOptions = {}): Promise<FileInfo> {
    checkInteger("mode", mode, 0, MODE_MAX);
    return this.#caller.upload(
      {
        doing: `Writing ${quote(path)}`,
        method: "PUT",
        path: withQuery("/v1/files/content", { path: checkPath("path", path), mode, mkdirs: true, user }),
        content: typeof content === "string" ? Buffer.from(content) : content,
        signal,
      },
      parseFileInfo,
    );
  }

  async stat(
    path: string,
    { follow, user, signal }: FileOptions & { readonly follow?: boolean | undefined } = {},
  ): Promise<FileInfo> {
    const query = { path: checkPath("path", path), follow: follow ?? true, user };
    return this.#get(`Looking at ${quote(path)}`, withQuery("/v1/files/stat", query), signal, parseFileInfo);
  }

  async list(path: string, { depth, user, signal }: ListFilesOptions = {}): Promise<FileInfo[]> {
    const query = {
      path: checkPath("path", path),
      depth: checkInteger("depth", depth, 1, 1_000) ?? 1,
      limit: MAX_ENTRIES,
      user,
    };
    const at = withQuery("/v1/files/list", query);
    const { entries, truncated } = await this.#get(`Listing ${quote(path)}`, at, signal, parseListing);
    if (!truncated) return entries;
    throw new PodkitError(
      "resource_exhausted",
      `Listing ${quote(path)} was given up: it has more than ${entries.length} entries. List its folders one by one.`,
      { details: { entries: entries.length } },
    );
  }

  async mkdir(
    path: string,
    {
      mode,
      parents,
      user,
      signal,
    }: FileOptions & { readonly mode?: number | undefined; readonly parents?: boolean | undefined } = {},
  ): Promise<FileInfo> {
    const query = {
      path: checkPath("path", path),
      mode: checkInteger("mode", mode, 0, MODE_MAX),
      parents: parents ?? true,
      user,
    };
    const request = {
      doing: `Making folder ${quote(path)}`,
      method: "POST",
      path: withQuery("/v1/files/mkdir", query),
      signal,
    };
    return this.#caller.ask(request, parseFileInfo, { idempotent: query.parents });
  }

  async rename(from: string, to: string, { user, signal }: FileOptions = {}): Promise<void> {
    const query = { path: checkPath("from", from), to: checkPath("to", to), user };
    const doing = `Renaming ${quote(from)} to ${quote(to)}`;
    const request = { doing, method: "POST", path: withQuery("/v1/files/rename", query), signal };
    await this.#caller.ask(request, nothing);
  }

  async remove(
    path: string,
    { recursive, user, signal }: FileOptions & { readonly recursive?: boolean | undefined } = {},
  ): Promise<void> {
    const query = { path: checkPath("path", path), recursive: recursive ?? false, user };
    const request = { doing: `Removing ${quote(path)}`, method: "DELETE", path: withQuery("/v1/files", query), signal };
    await this.#caller.ask(request, nothing);
  }

  readTar(path: string, { user, signal }: FileOptions = {}): AsyncIterable<Uint8Array> {
    return this.#caller.download({
      doing: `Reading ${quote(path)} as tar`,
      path: withQuery("/v1/files/tar", { path: checkPath("path", path), user }),
      signal,
    });
  }

  async writeTar(path: string, tar: AsyncIterable<Uint8Array>, { user, signal }: FileOptions = {}): Promise<void> {
    await this.#caller.upload(
      {
        doing: `Unpacking a tar below ${quote(path)}`,
        method: "PUT",
        path: withQuery("/v1/files/tar", { path: checkPath("path", path), user }),
        content: tar,
        signal,
      },
      nothing,
    );
  }

  watch(
    path: string,
    { recursive, user, signal }: FileOptions & { readonly recursive?: boolean | undefined } = {},
  ): AsyncIterable<FileChange> {
    const request = {
      doing: `Watching ${quote(path)}`,
      path: withQuery("/v1/files/watch", { path: checkPath("path", path), recursive: recursive ?? false, user }),
      signal,
      patient: true,
    };
    return this.#caller.lines(request, parseChange);
  }

  #get<T>(doing: string, path: string, signal: CallOptions["signal"], parse: (answer: unknown) => T): Promise<T> {
    return this.#caller.ask({ doing, method: "GET", path, signal }, parse, { idempotent: true });
  }
}

/**
 * How many bytes the body of an answer has, where the agent can know it: files of /proc and growing ones have no length before
 * their end. Without it only the orderly end of the stream tells a whole file from a cut one.
 */
function contentLength(headers: IncomingHttpHeaders): number | undefined {
  const text = headers["content-length"];
  if (text === undefined) return undefined;
  const length = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(length)) return length;
  throw protocolError("a content-length that is no number");
}
