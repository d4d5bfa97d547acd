import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../", import.meta.url));

/** What came of a program of its own. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs TypeScript that imports `podkit` as a program of its own, with this package's sources. `send` is sent to it once its
 * output has `output`.
 */
export async function program(
  source: string,
  when?: { readonly output: string; readonly send: NodeJS.Signals },
): Promise<Ended> {
  // Beside the tests, so that imports are found as theirs are.
  const temporary = await mkdtemp(join(folder, "test/.program-"));
  try {
    const file = join(temporary, "main.mts");
    await writeFile(file, source.replaceAll('from "podkit"', `from ${JSON.stringify(join(folder, "src/index.ts"))}`));
    const child = spawn(process.execPath, ["--import", "tsx", file], {
      cwd: folder,
      env: { ...process.env, TSX_TSCONFIG_PATH: join(folder, "tsconfig.json") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    let sent = false;
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (when === undefined || sent || !stdout.includes(when.output)) return;
      sent = true;
      child.kill(when.send);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
