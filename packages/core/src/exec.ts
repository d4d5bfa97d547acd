/** Bytes that were dropped of a stream whose output passed its cap. */
export interface Truncation {
  readonly stdout: number;
  readonly stderr: number;
}

/** What a command that has ended gave. A non-zero code is a result, never an exception. */
export interface ExecResult<T = string> {
  /** 0 to 255; null where a signal ended the command. */
  readonly exitCode: number | null;
  /** Such as `SIGKILL`; null where the command ended by itself. */
  readonly signal: string | null;
  readonly stdout: T;
  readonly stderr: T;
  /** True where the command was ended at its timeout. */
  readonly timedOut: boolean;
  /** False where everything is there; else how many bytes were dropped between head and tail. */
  readonly truncated: Truncation | false;
  /** True where the kernel ended it because memory ran out. */
  readonly oomKilled: boolean;
  /** Milliseconds from start to end, measured in the container. */
  readonly durationMs: number;
}

/** How one command runs. */
export interface ExecOptions {
  /** Relative to the config's `workingDir`, its default. */
  readonly cwd?: string | undefined;
  /** Laid over the image's and the config's environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Default: the config's, else the image's. */
  readonly user?: string | undefined;
  /** What the command reads; it sees the end after that. Default: nothing. */
  readonly stdin?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Milliseconds until the whole tree of the command is ended. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Ends the whole tree of the command; the call rejects at once with `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Turns a non-zero end into {@link ExecFailedError} and a timeout into {@link ExecTimeoutError}. Default false. */
  readonly check?: boolean | undefined;
  /** `buffer` gives `Uint8Array`s. Default `utf8`. */
  readonly encoding?: "utf8" | "buffer" | undefined;
  /** Cap per stream in bytes; head and tail are kept. Default 8 MiB. */
  readonly maxOutputBytes?: number | undefined;
  /** Called with each piece as it comes. A promise holds the command's output back until it settles. */
  readonly onStdout?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  readonly onStderr?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
}

/** Size of a terminal. */
export interface TerminalSize {
  /** 1 to 65535. */
  readonly columns: number;
  /** 1 to 65535. */
  readonly rows: number;
}

/** A checked and frozen command, as it goes to the agent. */
export interface ExecSpec {
  /** At least one element. */
  readonly argv: readonly string[];
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly user?: string | undefined;
  /** True where stdin is written; else the command reads `/dev/null`. */
  readonly stdin: boolean;
  readonly pty?: TerminalSize | undefined;
  readonly timeoutMs?: number | undefined;
  /** A number: capped, head and tail kept. Null: nothing is dropped, and the command waits where nobody reads. */
  readonly maxOutputBytes: number | null;
}

/** Where the output of a command goes. A promise holds it back until it settles. */
export interface ExecSinks {
  readonly onStdout: (chunk: Uint8Array) => void | Promise<void>;
  readonly onStderr: (chunk: Uint8Array) => void | Promise<void>;
}

/** How a command ended, without its output. */
export interface ExecExit {
  readonly exitCode: number | null;
  /** With `SIG`, as in {@link ExecResult}. */
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly truncated: Truncation | false;
  readonly oomKilled: boolean;
  readonly durationMs: number;
}

/** A command that was started. It belongs to one container and ends with it. */
export interface ExecHandle {
  /** Process id inside the container. */
  readonly pid: number;
  /** Writes to the command's stdin; settles once the agent took it. Rejects with `invalid_state` after {@link closeStdin}. */
  writeStdin(chunk: Uint8Array): Promise<void>;
  /** Ends the command's stdin. Calling it twice is fine. */
  closeStdin(): Promise<void>;
  /** Sends a signal (`SIGTERM` or `TERM`) to the command's process group; `SIGKILL` ends the whole tree. Fine after the end. */
  kill(signal?: string): Promise<void>;
  /** Changes the terminal's size; `invalid_state` where it has none. */
  resize(size: TerminalSize): Promise<void>;
  /** How it ended, once all output went to its sinks. Rejects with `exec_lost` where its end cannot be known any more. */
  wait(): Promise<ExecExit>;
}
