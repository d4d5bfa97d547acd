import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { within } from "./wait.js";

/** A program of `tests/programs` that runs as a process of its own, on the sources of this tree. */
export class Program {
  readonly child: ChildProcess;
  readonly #lines: string[] = [];
  #rest = "";
  #stderr = "";
  #wake: (() => void) | undefined;
  readonly #exited: Promise<number | null>;

  constructor(name: string, argument: unknown, options: { readonly env?: Readonly<Record<string, string>> } = {}) {
    const folder = fileURLToPath(new URL("..", import.meta.url));
    const argv = ["--import", "tsx", `programs/${name}.ts`, JSON.stringify(argument)];
    const env = { ...process.env, TSX_TSCONFIG_PATH: `${folder}/tsconfig.json`, ...options.env };
    this.child = spawn(process.execPath, argv, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout?.on("data", (chunk: Buffer) => this.#read(chunk.toString()));
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.#exited = once(this.child, "exit").then(([code]: unknown[]) => {
      this.#wake?.();
      return typeof code === "number" ? code : null;
    });
  }

  /** The next line that it prints. @throws with its stderr where it ends before that. */
  async line(timeoutMs = 60_000): Promise<string> {
    const next = async (): Promise<string> => {
      for (;;) {
        const line = this.#lines.shift();
        if (line !== undefined) return line;
        if (this.child.exitCode !== null || this.child.signalCode !== null)
          throw new Error(`it ended: ${this.#stderr}`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    };
    return within("a line of the program", timeoutMs, next());
  }

  /** Its exit code, null where a signal ended it. @throws where it goes on. */
  async exit(timeoutMs: number): Promise<number | null> {
    try {
      return await within("the end of the program", timeoutMs, this.#exited);
    } catch (error) {
      this.child.kill("SIGKILL");
      throw error;
    }
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#exited;
  }

  get stderr(): string {
    return this.#stderr;
  }

  #read(text: string): void {
    const parts = (this.#rest + text).split("\n");
    this.#rest = parts.pop() ?? "";
    this.#lines.push(...parts);
    this.#wake?.();
  }
}
