import { createPodkit } from "podkit";
import { expect, it } from "vitest";
import { describeDocker } from "../support/describe.js";
import { IMAGES } from "../support/docker.js";
import { Program } from "../support/program.js";

describeDocker("docker: programs that come and go", ({ prefix, sessionContext }) => {
  const { backend } = sessionContext;
  const identity = () => ({ prefix, ...sessionContext.newId(), image: IMAGES.busybox });
  const ours = () => backend.list({ "dev.podkit.prefix": prefix });

  it("row 8: another program, and one after the first was killed, continue the same container with its files and environment", async () => {
    const { image, ...id } = identity();
    const first = new Program("hold", { ...id, image });
    const container = await first.line();
    await using podkit = createPodkit({ prefix });
    const beside = await podkit.getSession(id);
    expect((await beside.info()).containerId).toBe(container);
    expect(await beside.files.read("kept")).toBe("from the first program");
    await first.kill();
    await using later = createPodkit({ prefix });
    const session = await later.getSession(id);
    expect((await session.info()).containerId).toBe(container);
    expect(await session.files.read("/work/kept")).toBe("from the first program");
    expect((await session.executeCommand(["env"])).stdout).toContain("KEPT=yes\n");
    expect((await session.executeCommand(["pwd"])).stdout).toBe("/work\n");
    expect(await ours()).toHaveLength(1);
  });

  it("row 33: five programs with ten callers each get one container", { timeout: 120_000 }, async () => {
    const argument = { ...identity(), callers: 10 };
    const programs = Array.from({ length: 5 }, () => new Program("callers", argument));
    const lines = await Promise.all(programs.map((program) => program.line(90_000)));
    const containers = new Set(lines.flatMap((line) => [...line.matchAll(/"([0-9a-f]+)"/g)].map((match) => match[1])));
    expect(containers.size).toBe(1);
    expect(await ours()).toHaveLength(1);
    for (const program of programs) expect(await program.exit(10_000)).toBe(0);
  });

  it("example 1: a program with an open session ends by itself, and the container goes on", async () => {
    const program = new Program("once", identity());
    expect(await program.line()).toBe("/workspace");
    expect(await program.exit(3_000), program.stderr).toBe(0);
    expect((await ours()).map(({ state }) => state)).toEqual(["running"]);
  });

  it("a program with a running spawn does not end before it", async () => {
    const program = new Program("spawned", identity());
    expect(await program.line()).toBe("ended with 0");
    expect(await program.exit(3_000), program.stderr).toBe(0);
  });
});
