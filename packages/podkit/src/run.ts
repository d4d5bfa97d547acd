import { randomBytes } from "node:crypto";
import {
  type ContainerConfig,
  type ExecOptions,
  type ExecResult,
  type FileContent,
  PodkitError,
  type SessionFiles,
  throwIfAborted,
} from "@podkit/core";
import { parseCommand } from "@podkit/processes";
import type { CreateSessionRequest } from "@podkit/session";
import { onInterrupt } from "./interrupt.js";

/** Options of a command that has a container of its own: those of the container and those of the command, side by side. */
export interface RunOptions
  extends Omit<ContainerConfig, "command" | "entrypoint" | "useImageDefaults" | "user">,
    ExecOptions {
  /** Files that are there before it starts, by path; a relative one is under the working folder. */
  readonly files?: Readonly<Record<string, FileContent>> | undefined;
  /** Tells this application's containers from others'. Default `podkit-run`. */
  readonly prefix?: string | undefined;
}

/** The prefix of containers of one command. */
export const RUN_PREFIX = "podkit-run";

const FILES_AT_ONCE = 8;

/** What a run needs of a session manager, and of the session that it makes. */
export interface RunScope {
  createSession(request: CreateSessionRequest): Promise<RunSession>;
}

/** A session, as far as a run needs it. */
export interface RunSession extends AsyncDisposable {
  readonly files: Pick<SessionFiles, "write">;
  executeCommand(command: string | readonly string[], options: ExecOptions): Promise<ExecResult<string | Uint8Array>>;
}

/** Makes a session, puts files in, runs the command and removes everything, also after an error, an abort or Ctrl-C. */
export async function runOnce(
  scope: (prefix: string) => RunScope,
  command: string | readonly string[],
  options: RunOptions,
): Promise<ExecResult<string | Uint8Array>> {
  const { files = {}, prefix = RUN_PREFIX, ...rest } = options;
  const { exec, config } = split(rest);
  parseCommand(command, exec);
  checkFiles(files);
  throwIfAborted("The run", options.signal);
  const interrupted = onInterrupt();
  const signal =
    options.signal === undefined ? interrupted.signal : AbortSignal.any([options.signal, interrupted.signal]);
  try {
    const session = await scope(prefix).createSession({
      userId: "run",
      sessionId: randomBytes(12).toString("hex"),
      config,
      signal,
    });
    try {
      await putFiles(session, files, signal);
      return await session.executeCommand(command, { ...exec, signal });
    } finally {
      // Not under the caller's signal: what was made is removed after an abort too.
      await session[Symbol.asyncDispose]();
    }
  } finally {
    interrupted.done();
  }
}

function split(options: Omit<RunOptions, "files" | "prefix">): {
  readonly exec: ExecOptions;
  readonly config: ContainerConfig;
} {
  const { cwd, env, user, stdin, timeoutMs, signal, check, encoding, maxOutputBytes, onStdout, onStderr, ...config } =
    options;
  const exec: ExecOptions = { cwd, env, stdin, timeoutMs, signal, check, encoding, maxOutputBytes, onStdout, onStderr };
  // Where this program is killed, the engine clears the container away once it rests.
  return { exec, config: { autoRemove: true, ...config, ...(user === undefined ? {} : { user }) } };
}

function checkFiles(files: unknown): void {
  if (typeof files === "object" && files !== null && !Array.isArray(files)) return;
  throw new PodkitError(
    "invalid_argument",
    'files takes an object of paths and contents, such as { "main.py": "print(42)" }.',
    { details: { field: "files" } },
  );
}

async function putFiles(
  session: RunSession,
  files: Readonly<Record<string, FileContent>>,
  signal: AbortSignal,
): Promise<void> {
  const left = Object.entries(files);
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift())
      await session.files.write(next[0], next[1], { signal });
  };
  await Promise.all(Array.from({ length: Math.min(FILES_AT_ONCE, left.length) }, worker));
}
