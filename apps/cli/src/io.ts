import type { ReadStream, WriteStream } from "node:tty";

/** What the program reads and writes: its own streams, or a test's. */
export interface Io {
  readonly stdin: NodeJS.ReadStream | ReadStream;
  readonly stdout: NodeJS.WriteStream | WriteStream;
  readonly stderr: NodeJS.WriteStream | WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Flags that every command has. */
export interface CommonFlags {
  readonly json?: boolean | undefined;
  readonly debug?: boolean | undefined;
  readonly prefix?: string | undefined;
  readonly dockerHost?: string | undefined;
}
