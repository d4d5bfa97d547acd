import { posix } from "node:path";
import { type FileInfo, PodkitError } from "@podkit/core";

interface Node {
  readonly type: "file" | "directory";
  readonly data: Buffer;
  readonly mode: number;
  readonly mtimeMs: number;
}

/** The files of one fake container. There are no users and no links. */
export class FileTree {
  readonly #nodes = new Map<string, Node>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    for (const path of ["/", "/tmp", "/root"]) this.#addFolder(path);
  }

  #addFolder(path: string, mode = 0o755): void {
    this.#nodes.set(path, { type: "directory", data: Buffer.alloc(0), mode, mtimeMs: this.#now() });
  }

  /** The absolute path of what a request names. @throws `invalid_argument`. */
  resolve(path: string, cwd: string): string {
    if (path === "" || path.includes("\0") || Buffer.byteLength(path) > 4096) {
      throw new PodkitError("invalid_argument", "a path is 1 to 4096 bytes without NUL.");
    }
    const full = posix.resolve(cwd, path);
    return full;
  }

  /** Bytes of a file; undefined where there is none. */
  dataOf(path: string, cwd: string): Buffer | undefined {
    const node = this.#nodes.get(this.resolve(path, cwd));
    return node?.type === "file" ? node.data : undefined;
  }

  isFolder(path: string): boolean {
    return this.#nodes.get(path)?.type === "directory";
  }

  #get(path: string): Node {
    const node = this.#nodes.get(path);
    if (node === undefined) throw new PodkitError("not_found", `${path} does not exist.`);
    return node;
  }

  /** A file's bytes. @throws `not_found`, `invalid_state` for a folder. */
  read(path: string): Buffer {
    const node = this.#get(path);
    if (node.type === "directory") throw new PodkitError("invalid_state", `${path} is a folder.`);
    return node.data;
  }

  write(path: string, data: Buffer, mode: number): FileInfo {
    const there = this.#nodes.get(path);
    if (there?.type === "directory") throw new PodkitError("invalid_state", `${path} is a folder.`);
    this.#makeParents(path);
    this.#nodes.set(path, { type: "file", data, mode: there?.mode ?? mode, mtimeMs: this.#now() });
    return this.stat(path);
  }

  stat(path: string): FileInfo {
    const { type, data, mode, mtimeMs } = this.#get(path);
    return { path, name: posix.basename(path) || "/", type, size: data.length, mode, uid: 0, gid: 0, mtimeMs };
  }

  mkdir(path: string, parents: boolean, mode = 0o755): FileInfo {
    const there = this.#nodes.get(path);
    if (there !== undefined && !(parents && there.type === "directory")) {
      throw new PodkitError("already_exists", `${path} exists.`);
    }
    if (parents) this.#makeParents(path);
    else if (!this.isFolder(posix.dirname(path)))
      throw new PodkitError("not_found", `${posix.dirname(path)} does not exist.`);
    if (there === undefined) this.#addFolder(path, mode);
    return this.stat(path);
  }

  list(path: string, depth: number): FileInfo[] {
    if (this.#get(path).type !== "directory") throw new PodkitError("invalid_state", `${path} is no folder.`);
    const found = this.#below(path).filter((one) => posix.relative(path, one).split("/").length <= depth);
    return found.sort().map((one) => this.stat(one));
  }

  rename(from: string, to: string): void {
    this.#get(from);
    if (!this.isFolder(posix.dirname(to))) throw new PodkitError("not_found", `${posix.dirname(to)} does not exist.`);
    for (const path of [from, ...this.#below(from)]) {
      const node = this.#get(path);
      this.#nodes.delete(path);
      this.#nodes.set(to + path.slice(from.length), node);
    }
  }

  remove(path: string, recursive: boolean): void {
    this.#get(path);
    const below = this.#below(path);
    if (below.length > 0 && !recursive) throw new PodkitError("invalid_state", `${path} is not empty.`);
    for (const one of [path, ...below]) this.#nodes.delete(one);
  }

  #below(path: string): string[] {
    const start = path === "/" ? "/" : `${path}/`;
    return [...this.#nodes.keys()].filter((one) => one !== path && one.startsWith(start));
  }

  #makeParents(path: string): void {
    const parent = posix.dirname(path);
    const node = this.#nodes.get(parent);
    if (node?.type === "file") throw new PodkitError("invalid_state", `${parent} is a file.`);
    if (node !== undefined) return;
    this.#makeParents(parent);
    this.#addFolder(parent);
  }
}
