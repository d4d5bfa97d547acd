import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, readlink, symlink } from "node:fs/promises";
import { join } from "node:path";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/**
 * An open folder of this machine. Its children are reached one name at a time, through the open descriptor where the system can (Linux)
 * and never through a symbolic link, so that nobody who changes the tree meanwhile leads a read or write elsewhere.
 */
export class HostFolder {
  readonly #handle: FileHandle;
  readonly #base: string;

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#base = process.platform === "linux" ? `/proc/self/fd/${handle.fd}` : path;
  }

  /** Opens a folder; the last part of its path may be a link only where `follow` is true. */
  static async open(path: string, follow = false): Promise<HostFolder> {
    return new HostFolder(await open(path, O_RDONLY | O_DIRECTORY | (follow ? 0 : O_NOFOLLOW)), path);
  }

  /** Names of its children, sorted. */
  async names(): Promise<string[]> {
    return (await readdir(this.#base)).sort();
  }

  /** What a child is, links not followed. */
  lstat(name: string): Promise<Stats> {
    return lstat(this.#child(name));
  }

  /** A folder in it. */
  folder(name: string): Promise<HostFolder> {
    return HostFolder.open(this.#child(name));
  }

  /** A folder in it, made where it is missing. */
  async ensureFolder(name: string): Promise<HostFolder> {
    await mkdir(this.#child(name), 0o700).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    });
    return this.folder(name);
  }

  /** A file in it, for reading. */
  readFile(name: string): Promise<FileHandle> {
    return open(this.#child(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  }

  /** A new file in it; fails where there is anything of that name. */
  createFile(name: string): Promise<FileHandle> {
    return open(this.#child(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  }

  /** A new symbolic link in it. */
  symlink(target: string, name: string): Promise<void> {
    return symlink(target, this.#child(name));
  }

  readlink(name: string): Promise<string> {
    return readlink(this.#child(name));
  }

  chmod(mode: number): Promise<void> {
    return this.#handle.chmod(mode);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  #child(name: string): string {
    return join(this.#base, name);
  }
}
