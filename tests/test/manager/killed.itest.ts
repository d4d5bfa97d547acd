import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, docker, ours, program, sh } from "./setup.js";

beforeAll(cleanUp);
afterEach(cleanUp);

const tests = fileURLToPath(new URL("../..", import.meta.url));

/** Opens a session in a program of its own and kills that `ms` after it began. Says whether it had opened it by then. */
async function openAndKill(sessionId: string, ms: number): Promise<boolean> {
  const child = spawn(process.execPath, ["--import", "tsx", "programs/manager-create.ts", sessionId], {
    cwd: tests,
    env: { ...process.env, TSX_TSCONFIG_PATH: join(tests, "tsconfig.json") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  const began = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("opening")) resolve();
    });
  });
  const ended = once(child, "exit");
  await Promise.race([began, ended]);
  expect(said).toContain("opening");
  await new Promise((resolve) => setTimeout(resolve, ms));
  child.kill("SIGKILL");
  await ended;
  return said.includes("opened");
}

describe("a program that is killed with -9 while it makes a container", () => {
  it("row 49: leaves nothing that the next call does not adopt or clear away", async () => {
    const { open, close } = program();
    const moments = [0, 10, 25, 45, 70, 100, 140, 190, 250, 320, 400, 600];
    const states = new Set<string>();
    for (const [index, ms] of moments.entries()) {
      const sessionId = `kill-${index}`;
      const opened = await openAndKill(sessionId, ms + Math.floor(Math.random() * 10));
      const left = await ours();
      expect(left.length).toBeLessThanOrEqual(1);
      const state = left[0] === undefined ? "nothing" : await docker("inspect", "-f", "{{.State.Status}}", left[0]);
      states.add(opened ? "opened" : state);
      const sandbox = await open(sessionId);
      expect((await sh(sandbox, "echo well")).stdout).toBe("well\n");
      const info = await sandbox.info();
      if (state !== "nothing") expect(info.containerId).toBe(left[0]);
      if (state === "running") expect(info.ports).toHaveLength(1);
      expect(await ours()).toHaveLength(1);
      await sandbox.remove();
      expect(await ours()).toEqual([]);
    }
    console.log(`killed while there was: ${[...states].join(", ")}`);
    expect(states.size).toBeGreaterThan(1);
    await close();
  }, 180_000);
});
