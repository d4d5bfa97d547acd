import { AGENT_PATH, PodkitError } from "@podkit/core";

/** How the agent runs as PID 1. */
export interface AgentInit {
  /** Milliseconds of rest after which it ends; null: never. */
  readonly lifetimeMs: number | null;
  /** Milliseconds since start after which it ends, even with running work; null: never. */
  readonly maxLifetimeMs: number | null;
  /** Default user of commands and files: name, uid, `uid:gid` or `name:group`; null: the agent's own. */
  readonly user: string | null;
  /** Default working folder, an absolute path; made where it is missing. */
  readonly workingDir: string;
  /** The program whose end ends the container with its code; null: none. */
  readonly program: readonly string[] | null;
  /** What asks the program to end, such as `SIGQUIT`; null: `SIGTERM`. */
  readonly programStopSignal: string | null;
  /** Where its state lies. Default: core's `AGENT_STATE_PATH`. */
  readonly stateDir?: string;
}

/**
 * The whole argv of PID 1.
 * @throws `invalid_argument` where a value cannot be used.
 */
export function initArgv(init: AgentInit): string[] {
  return [AGENT_PATH, "init", initJson(init)];
}

/**
 * The argv of the program that bridges its stdin and stdout to the agent. With `start` it starts the agent first where none
 * runs.
 * @throws `invalid_argument` where a value of `start` cannot be used.
 */
export function connectArgv(start?: AgentInit): string[] {
  return start === undefined ? [AGENT_PATH, "connect"] : [AGENT_PATH, "connect", "--start", initJson(start)];
}

/**
 * The argv of an image's own program as PID 1 under another user than root, in a container that is root's: only so has an agent that is started
 * later the rights to serve any user.
 * @throws `invalid_argument` where there is no program.
 */
export function runAsArgv(user: string, program: readonly string[]): string[] {
  if (program.length === 0) throw invalid("program", "needs at least one element");
  return [AGENT_PATH, "run-as", user, "--", ...program];
}

function initJson(init: AgentInit): string {
  checkDuration("lifetimeMs", init.lifetimeMs);
  checkDuration("maxLifetimeMs", init.maxLifetimeMs);
  if (!init.workingDir.startsWith("/") || init.workingDir.includes("\0")) {
    throw invalid("workingDir", "must be an absolute path without NUL");
  }
  if (init.program !== null && init.program.length === 0)
    throw invalid("program", "needs at least one element, or null");
  const signal = init.programStopSignal;
  return JSON.stringify({ ...init, programStopSignal: signal?.replace(/^SIG/, "") ?? null });
}

function checkDuration(field: string, value: number | null): void {
  if (value === null || (Number.isSafeInteger(value) && value > 0)) return;
  throw invalid(field, "must be a whole number of milliseconds above 0, or null");
}

function invalid(field: string, why: string): PodkitError {
  return new PodkitError("invalid_argument", `The agent cannot be started: ${field} ${why}.`, { details: { field } });
}
