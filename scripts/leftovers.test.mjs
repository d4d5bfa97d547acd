// Shows that what a run leaves behind is found and named, and that what was there before is not.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { leftovers, look } from "./lib/leftovers.mjs";

const folder = mkdtempSync(join(tmpdir(), "pt-look-"));
const state = join(folder, "podkit/local");
const where = { folders: [folder], states: [state] };
/** Only what this test made: others may be at work on this machine. @param {readonly string[]} lines */
const ours = (lines) => lines.filter((line) => line.includes(folder));

test("folders of tests, containers, volumes and what was begun are named; the agents' binaries and what was there are not", () => {
  try {
    mkdirSync(join(folder, "pt-before"));
    const before = look(where);
    for (const path of [
      "pt-a",
      "other",
      "podkit/local/agents/1",
      "podkit/local/containers/x",
      "podkit/local/volumes/v",
    ])
      mkdirSync(join(folder, path), { recursive: true });
    const left = leftovers(before, look(where)).filter((line) => line.startsWith("folder: "));
    const paths = ["pt-a", "podkit/local/containers/x", "podkit/local/volumes/v"];
    assert.deepEqual(left.sort(), paths.map((path) => `folder: ${join(folder, path)}`).sort());
  } finally {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
  }
});

test("a process that has a sandbox's name is named, unless it belongs to another state folder", async () => {
  const before = look(where);
  // `sleep` under the names that sandboxes' processes have.
  const programs = ["", "elsewhere/podkit/local/agents"].map((path) => {
    mkdirSync(join(folder, path), { recursive: true });
    const program = join(folder, path, "podkit-agent");
    symlinkSync("/bin/sleep", program);
    return spawn(program, ["600"], { stdio: "ignore" });
  });
  try {
    const left = ours(leftovers(before, look(where)).filter((line) => line.startsWith("process: ")));
    assert.deepEqual(
      left.map((line) => line.includes("elsewhere")),
      [false],
    );
  } finally {
    for (const program of programs) {
      program.kill("SIGKILL");
      await once(program, "exit");
    }
    rmSync(folder, { recursive: true });
  }
});
