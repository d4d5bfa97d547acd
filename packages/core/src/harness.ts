import type { Readable, Writable } from "node:stream";
import type { CallOptions } from "./call.js";
import type { ContainerConfig, OnConfigMismatch } from "./config.js";
import type { ExecOptions, ExecResult, TerminalSize } from "./exec.js";
import type {
  FileChange,
  FileContent,
  FileInfo,
  FileOptions,
  ListFilesOptions,
  ReadFileOptions,
  WriteFileOptions,
} from "./files.js";
import type { SessionId } from "./identity.js";
import type { ListeningPort, SandboxInfo } from "./runtime.js";

/** Options of `spawn`. Nothing of its output is dropped: it waits where nobody reads. */
export interface SpawnOptions extends CallOptions {
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly user?: string | undefined;
  /** Milliseconds until its whole tree is ended. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** A terminal of its own; all output comes on `stdout`. */
  readonly pty?: TerminalSize | undefined;
}

/** How a spawned command ended. */
export interface SpawnExit {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly oomKilled: boolean;
  readonly durationMs: number;
}

/** A running command. It belongs to one container and fails with `not_found` (`reason: "replaced"`) when that was replaced. */
export interface SpawnedCommand extends AsyncDisposable {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable & AsyncIterable<Uint8Array>;
  readonly stderr: Readable & AsyncIterable<Uint8Array>;
  /** Default `SIGTERM`; `SIGKILL` ends its whole tree. */
  kill(signal?: string): Promise<void>;
  wait(): Promise<SpawnExit>;
  resize(size: TerminalSize): Promise<void>;
}

/** Files of a session. A relative path is under the config's `workingDir`. */
export interface SessionFiles {
  /** As text, or as bytes with `encoding: "buffer"`. */
  read(path: string, options?: ReadFileOptions & { readonly encoding?: "utf8" | undefined }): Promise<string>;
  read(path: string, options: ReadFileOptions & { readonly encoding: "buffer" }): Promise<Uint8Array>;
  /** The bytes as they come, for files of any size. */
  readStream(path: string, options?: ReadFileOptions): AsyncIterable<Uint8Array>;
  write(path: string, content: FileContent, options?: WriteFileOptions): Promise<FileInfo>;
  list(path?: string, options?: ListFilesOptions): Promise<FileInfo[]>;
  stat(path: string, options?: FileOptions): Promise<FileInfo>;
  /** False where there is none. */
  exists(path: string, options?: FileOptions): Promise<boolean>;
  remove(path: string, options?: FileOptions & { readonly recursive?: boolean | undefined }): Promise<void>;
  mkdir(path: string, options?: FileOptions & { readonly mode?: number | undefined }): Promise<FileInfo>;
  rename(from: string, to: string, options?: FileOptions): Promise<void>;
  /** A file or folder of this machine into the container; symbolic links are taken as links. */
  upload(localPath: string, path: string, options?: FileOptions): Promise<void>;
  /** A file or folder of the container to this machine, never following what the container planted: links that lead out are refused. */
  download(path: string, localPath: string, options?: FileOptions): Promise<void>;
  watch(path: string, options?: FileOptions & { readonly recursive?: boolean | undefined }): AsyncIterable<FileChange>;
}

/** Ports of a session. */
export interface SessionPorts {
  list(options?: CallOptions): Promise<ListeningPort[]>;
  /** `http://127.0.0.1:32768` for a published port. @throws `not_found` where it is not published. */
  url(port: number, options?: CallOptions & { readonly protocol?: string | undefined }): Promise<string>;
  /** Settles once something in the container listens. Default timeout 30 000 ms. */
  waitFor(port: number, options?: CallOptions & { readonly timeoutMs?: number | undefined }): Promise<void>;
}

/** What a user holds. Every method but `close` is `invalid_state` after `close`. */
export interface SessionApi extends SessionId, AsyncDisposable {
  readonly files: SessionFiles;
  readonly ports: SessionPorts;
  executeCommand(
    command: string | readonly string[],
    options: ExecOptions & { readonly encoding: "buffer" },
  ): Promise<ExecResult<Uint8Array>>;
  executeCommand(command: string | readonly string[], options?: ExecOptions): Promise<ExecResult<string>>;
  spawn(command: string | readonly string[], options?: SpawnOptions): Promise<SpawnedCommand>;
  writeFile(path: string, content: FileContent, options?: WriteFileOptions): Promise<FileInfo>;
  info(options?: CallOptions): Promise<SandboxInfo>;
  /** Ends everything inside; files stay; the next command starts it again. */
  stop(options?: CallOptions): Promise<void>;
  pause(options?: CallOptions): Promise<void>;
  resume(options?: CallOptions): Promise<void>;
  /** Removes the container, keeps the host's workspace. Idempotent. */
  close(options?: CallOptions): Promise<void>;
}

/** What the conformance suite's session cases run on; the caller wires it from the layers under test. */
export interface SessionHarness {
  /** Opens a session the way a new program would: with nothing shared but the engine where `fresh` is true. */
  open(
    request: SessionId & {
      readonly config?: ContainerConfig;
      readonly onConfigMismatch?: OnConfigMismatch;
      readonly fresh?: boolean;
      readonly signal?: AbortSignal;
    },
  ): Promise<SessionApi>;
}
