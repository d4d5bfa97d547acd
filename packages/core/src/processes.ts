import type { CallOptions } from "./call.js";

/** `exited`: code 0. `failed`: another code or a signal. `lost`: it ran when its container ended. */
export type ProcessState = "running" | "exited" | "failed" | "lost";

/** A background process: it outlives the program that started it. */
export interface ProcessInfo {
  readonly id: string;
  readonly name: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly pid: number;
  readonly state: ProcessState;
  /** Null while it runs, where a signal ended it, and where it is lost. */
  readonly exitCode: number | null;
  /** With `SIG`; null where no signal ended it. */
  readonly signal: string | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly exitedAt: number | null;
  /** Bytes written so far. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/** A background process that is to be started. */
export interface ProcessSpec {
  readonly name?: string | undefined;
  readonly argv: readonly string[];
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly user?: string | undefined;
  /** Cap of each log in bytes; what comes after it is counted and dropped. Default 64 MiB. */
  readonly maxLogBytes?: number | undefined;
}

/** Options of a process's log. */
export interface ProcessLogOptions extends CallOptions {
  readonly stream?: "stdout" | "stderr" | undefined;
  /** First byte; negative: so many bytes from the end. Default 0. */
  readonly offset?: number | undefined;
  /** Goes on until the process ended. Default false. */
  readonly follow?: boolean | undefined;
}

/** Background processes of one container, by the agent in it. */
export interface ProcessTable {
  start(spec: ProcessSpec, options?: CallOptions): Promise<ProcessInfo>;
  list(options?: CallOptions): Promise<ProcessInfo[]>;
  get(id: string, options?: CallOptions): Promise<ProcessInfo>;
  logs(id: string, options?: ProcessLogOptions): AsyncIterable<Uint8Array>;
  /** Settles once it has ended. */
  wait(id: string, options?: CallOptions): Promise<ProcessInfo>;
  signal(id: string, signal: string, options?: CallOptions & { readonly tree?: boolean | undefined }): Promise<void>;
  /** TERM to the whole tree, KILL after `graceMs` (default 5 000). */
  stop(id: string, options?: CallOptions & { readonly graceMs?: number | undefined }): Promise<ProcessInfo>;
  /** Ends it where it runs, and removes its log. */
  remove(id: string, options?: CallOptions): Promise<void>;
}
