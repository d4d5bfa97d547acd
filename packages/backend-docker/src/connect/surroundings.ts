import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import type { Surroundings } from "./candidates.js";

/** The machine as it is. */
export function machineSurroundings(env: Readonly<Record<string, string | undefined>>): Surroundings {
  return { env, home: env["HOME"] || homedir(), platform: process.platform, readFile: readTextFile };
}

function readTextFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
