import type { Clock } from "@podkit/core";
import { findProgram, type Program } from "./programs.js";
import type { FileTree } from "./tree.js";

/** Where programs run: one container's world. */
export interface World {
  readonly programs: Readonly<Record<string, Program>>;
  readonly files: FileTree;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly workingDir: string;
  /** Takes a place in the pids limit; gives back how to free it. @throws `resource_exhausted`. */
  takePid(): { readonly pid: number; release(): void };
}

/** How a program ended. One of the two is null. */
export interface End {
  readonly exitCode: number | null;
  /** Without `SIG`. */
  readonly signal: string | null;
}

/** What is to run. */
export interface ProcessRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly out: (bytes: Uint8Array) => Promise<void>;
  readonly err: (bytes: Uint8Array) => Promise<void>;
}

/** Signals that end nothing. */
const HARMLESS = new Set(["0", "CONT", "WINCH", "URG", "CHLD", "STOP", "TSTP"]);

/** One running fake program. */
export class FakeProcess {
  readonly pid: number;
  readonly ended: Promise<End>;
  readonly #controller = new AbortController();
  #signal: string | null = null;

  constructor(world: World, request: ProcessRequest) {
    const { pid, release } = world.takePid();
    this.pid = pid;
    this.ended = this.#run(world, request).finally(release);
  }

  /** Sends a signal, with or without `SIG`. */
  kill(signal: string): void {
    const name = signal.replace(/^SIG/, "");
    if (HARMLESS.has(name)) return;
    this.#signal ??= name;
    this.#controller.abort();
  }

  async #run(world: World, request: ProcessRequest): Promise<End> {
    const name = request.argv[0] ?? "";
    const program = findProgram(world.programs, name);
    if (program === undefined) {
      await request.err(Buffer.from(`podkit-agent: ${name}: not found\n`));
      return { exitCode: 127, signal: null };
    }
    const { signal } = this.#controller;
    const aborted = new Promise<number>((resolve) => signal.addEventListener("abort", () => resolve(-1)));
    const running = program({
      argv: request.argv,
      env: request.env,
      cwd: request.cwd,
      files: world.files,
      clock: world.clock,
      stdin: request.stdin,
      ended: signal,
      out: (bytes) => request.out(Buffer.from(bytes)),
      err: (text) => request.err(Buffer.from(text)),
    });
    const exitCode = await Promise.race([running, aborted]);
    return this.#signal === null ? { exitCode, signal: null } : { exitCode: null, signal: this.#signal };
  }
}
