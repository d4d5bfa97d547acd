import { type ExecOptions, type ExecResult, PodkitError, type SessionApi, type SessionHarness } from "@podkit/core";

/** Sessions with one fault, and the cases that must fail on them. */
export interface SessionSaboteur {
  readonly name: string;
  readonly fails: readonly [string, ...string[]];
  readonly sabotage: (harness: SessionHarness) => SessionHarness;
}

type Command = string | readonly string[];
type TextCommand = (command: Command, options: ExecOptions) => Promise<ExecResult>;

/** Sessions whose commands and whose close are another's. */
function faulty(change: (inner: SessionApi) => { execute?: TextCommand; close?: () => Promise<void> }) {
  return (harness: SessionHarness): SessionHarness => ({
    open: async (request) => {
      const inner = await harness.open(request);
      const { execute, close = () => inner.close() } = change(inner);
      function executeCommand(
        command: Command,
        options: ExecOptions & { readonly encoding: "buffer" },
      ): Promise<ExecResult<Uint8Array>>;
      function executeCommand(command: Command, options?: ExecOptions): Promise<ExecResult>;
      function executeCommand(
        command: Command,
        options: ExecOptions = {},
      ): Promise<ExecResult | ExecResult<Uint8Array>> {
        return execute === undefined ? inner.executeCommand(command, options) : execute(command, options);
      }
      return {
        userId: inner.userId,
        sessionId: inner.sessionId,
        files: inner.files,
        ports: inner.ports,
        executeCommand,
        spawn: (command, options) => inner.spawn(command, options),
        writeFile: (path, content, options) => inner.writeFile(path, content, options),
        info: (options) => inner.info(options),
        stop: (options) => inner.stop(options),
        pause: (options) => inner.pause(options),
        resume: (options) => inner.resume(options),
        close,
        [Symbol.asyncDispose]: close,
      };
    },
  });
}

const NOTHING: ExecResult = {
  exitCode: 0,
  signal: null,
  stdout: "",
  stderr: "",
  timedOut: false,
  truncated: false,
  oomKilled: false,
  durationMs: 0,
};

/** Sessions that do one thing wrong. Each must fail the cases that it names. */
export const sessionSaboteurs: readonly SessionSaboteur[] = [
  {
    name: "a lost command that ended with 0",
    fails: ["death.container"],
    sabotage: faulty((inner) => ({
      execute: (command, options) =>
        inner.executeCommand(command, options).catch((error: unknown) => {
          if (PodkitError.is(error, "exec_lost")) return NOTHING;
          throw error;
        }),
    })),
  },
  {
    name: "a timeout that is not kept",
    fails: ["cmd.timeout"],
    sabotage: faulty((inner) => ({
      execute: (command, options) => inner.executeCommand(command, { ...options, timeoutMs: undefined }),
    })),
  },
  {
    name: "a genuine 124 that is taken for a timeout",
    fails: ["cmd.real-codes"],
    sabotage: faulty((inner) => ({
      execute: async (command, options) => {
        const result = await inner.executeCommand(command, options);
        return result.exitCode === 124 ? { ...result, timedOut: true } : result;
      },
    })),
  },
  {
    name: "an abort that is ignored",
    fails: ["abort.command", "abort.before"],
    sabotage: faulty((inner) => ({
      execute: (command, options) => inner.executeCommand(command, { ...options, signal: undefined }),
    })),
  },
  {
    name: "an environment of one call that is dropped",
    fails: ["cmd.defaults"],
    sabotage: faulty((inner) => ({
      execute: (command, options) => inner.executeCommand(command, { ...options, env: undefined }),
    })),
  },
  {
    name: "a cap that is dropped",
    fails: ["out.capped"],
    sabotage: faulty((inner) => ({
      execute: (command, options) => inner.executeCommand(command, { ...options, maxOutputBytes: undefined }),
    })),
  },
  {
    name: "a close that leaves the container",
    fails: ["life.close"],
    sabotage: faulty(() => ({ close: async () => undefined })),
  },
  {
    name: "another configuration that is ignored",
    fails: ["conflict.config"],
    sabotage: (harness) => ({ open: (request) => harness.open({ onConfigMismatch: "reuse", ...request }) }),
  },
  {
    name: "a container for each caller",
    fails: ["again.together", "again.same"],
    sabotage: (harness) => {
      let count = 0;
      return { open: (request) => harness.open({ ...request, sessionId: `${request.sessionId}-${count++}` }) };
    },
  },
];
