import type { ExecExit, ExecHandle, ExecSinks, ExecSpec } from "@podkit/core";

export const EXIT: ExecExit = {
  exitCode: 0,
  signal: null,
  timedOut: false,
  truncated: false,
  oomKilled: false,
  durationMs: 5,
};

/** A command whose every step the test decides. */
export class FakeHandle implements ExecHandle {
  readonly pid = 42;
  readonly calls: string[] = [];
  readonly written: Uint8Array[] = [];
  end: (exit: ExecExit) => void = () => undefined;
  lose: (error: unknown) => void = () => undefined;
  /** Where set, writes wait for it. */
  taking: Promise<void> = Promise.resolve();
  readonly #exit: Promise<ExecExit>;

  constructor() {
    this.#exit = new Promise((resolve, reject) => {
      this.end = resolve;
      this.lose = reject;
    });
    this.#exit.catch(() => undefined);
  }

  async writeStdin(chunk: Uint8Array): Promise<void> {
    await this.taking;
    this.written.push(Uint8Array.from(chunk));
  }

  async closeStdin(): Promise<void> {
    this.calls.push("closeStdin");
  }

  async kill(signal = "SIGTERM"): Promise<void> {
    this.calls.push(`kill ${signal}`);
    if (signal === "SIGKILL") this.end({ ...EXIT, exitCode: null, signal });
  }

  async resize(size: { columns: number; rows: number }): Promise<void> {
    this.calls.push(`resize ${size.columns}x${size.rows}`);
  }

  wait(): Promise<ExecExit> {
    return this.#exit;
  }
}

/** Takes commands and remembers them. */
export class FakeTarget {
  readonly handle = new FakeHandle();
  readonly specs: ExecSpec[] = [];
  sinks: ExecSinks = { onStdout: () => undefined, onStderr: () => undefined };
  start: Promise<void> = Promise.resolve();

  async exec(spec: ExecSpec, sinks: ExecSinks): Promise<ExecHandle> {
    this.specs.push(spec);
    this.sinks = sinks;
    await this.start;
    return this.handle;
  }
}
