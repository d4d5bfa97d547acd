import { describe, expect, it } from "vitest";
import { cli } from "../src/cli.js";
import { fakeIo } from "./support/fake-io.js";
import { runCli } from "./support/run-cli.js";

const COMMANDS = ["run", "exec", "ls", "info", "stop", "rm", "cp", "logs", "doctor"];
const NOWHERE = ["--docker-host", "unix:///nowhere/docker.sock"];

/** Runs it in this program. */
async function inside(args: readonly string[]) {
  const io = fakeIo();
  return { code: await cli(args, io, "1.2.3"), ...io.written };
}

describe("the command line, without an engine", () => {
  it("shows help with examples for each command, and its version", async () => {
    const all = await inside(["--help"]);
    for (const command of COMMANDS) {
      expect(all.stdout).toContain(`\n  ${command} `);
      const help = await inside([command, "--help"]);
      expect([help.code, help.stderr]).toEqual([0, ""]);
      expect(help.stdout).toMatch(new RegExp(`Examples:\n[\\s\\S]*podkit ${command}`));
      expect(help.stdout).toContain("--json");
    }
    expect((await inside(["--version"])).stdout).toBe("1.2.3\n");
  });

  it("its own failures are 125, one sentence and no stack", async () => {
    const wrong = [
      ["nonsense"],
      ["ls", "--nonsense"],
      ["exec", "bob"],
      ["run"],
      ["cp", "a", "b"],
      ["exec", "bob/1", "--"],
    ];
    for (const args of wrong) {
      const ran = await inside(args);
      expect([args, ran.code, ran.stdout]).toEqual([args, 125, ""]);
      expect(ran.stderr).not.toMatch(/\n\s+at /);
      expect(ran.stderr).not.toBe("");
    }
  });

  it("says what it can where nothing is asked for", async () => {
    const alone = await inside([]);
    expect([alone.code, alone.stderr]).toEqual([0, ""]);
    expect(alone.stdout).toContain("Examples:");
  });

  it("each of several sessions has its turn, and its own failure", async () => {
    for (const command of ["rm", "stop"]) {
      const lost = await inside([command, ...NOWHERE, "bob/1", "bob/2"]);
      expect(lost.code).toBe(125);
      expect(lost.stderr.match(/^podkit: /gm)).toHaveLength(2);
    }
  });

  it("errors are JSON on stderr with --json, whoever made them", async () => {
    const lost = await inside(["ls", "--json", ...NOWHERE]);
    expect(lost.code).toBe(125);
    expect(JSON.parse(lost.stderr)).toMatchObject({ error: { code: "unavailable", retryable: true } });
    const wrong = await inside(["ls", "--json", "--nonsense"]);
    expect(JSON.parse(wrong.stderr)).toMatchObject({ error: { code: "invalid_argument" } });
    // After -- it is the command's own.
    const theirs = await inside(["exec", ...NOWHERE, "bob/1", "--", "x", "--json"]);
    expect(theirs.stderr).toMatch(/^podkit: /);
  });

  it("an engine that is not there is said with what to do, and doctor says what was tried", async () => {
    const lost = await inside(["run", ...NOWHERE, "--", "true"]);
    expect([lost.code, lost.stdout]).toEqual([125, ""]);
    expect(lost.stderr).toMatch(/\/nowhere\/docker\.sock/);
    const shown = await inside(["run", "--debug", ...NOWHERE, "--", "true"]);
    expect(shown.stderr).toMatch(/\n\s+at /);
    const doctor = await inside(["doctor", ...NOWHERE]);
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toMatch(/\/nowhere\/docker\.sock[\s\S]*FAIL {2}engine/);
    const asJson = await inside(["doctor", "--json", ...NOWHERE]);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ ok: false, places: [{ ok: false }] });
  });

  it("is a program: it has the package's version, and ends by itself", { timeout: 30_000 }, async () => {
    const [version, lost] = await Promise.all([runCli(["--version"]), runCli(["ls", ...NOWHERE])]);
    expect([version.code, version.stderr]).toEqual([0, ""]);
    expect(version.stdout).toMatch(/^[0-9]+\.[0-9]+\.[0-9]+\n$/);
    expect([lost.code, lost.stdout]).toEqual([125, ""]);
  });
});
