import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../", import.meta.url));
const ARGV = ["--import", "tsx", fileURLToPath(new URL("../../src/main.ts", import.meta.url))];

/** How the command line was called, and what came of it. */
export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@link runCli}. */
export interface RunCliOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Called once the text stands on stdout. */
  readonly when?: { readonly output: string; readonly send: NodeJS.Signals };
}

/** Starts the command line as a program of its own. The current folder's tsconfig maps packages to their sources. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawn(process.execPath, [...ARGV, ...args], {
    cwd: folder,
    env: { ...process.env, TSX_TSCONFIG_PATH: `${folder}tsconfig.json`, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** Runs it to its end. */
export function runCli(args: readonly string[], options: RunCliOptions = {}): Promise<Ran> {
  const child = startCli(args, options.env);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  let sent = false;
  child.stdout.on("data", (chunk: Buffer) => {
    out.push(chunk);
    const { when } = options;
    if (when === undefined || sent || !Buffer.concat(out).includes(when.output)) return;
    sent = true;
    child.kill(when.send);
  });
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.stdin ?? "");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

/** How to start it from another program. */
export const CLI_COMMAND = { file: process.execPath, args: ARGV, cwd: folder, tsconfig: `${folder}tsconfig.json` };
