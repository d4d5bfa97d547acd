import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { docker, program as newProgram, sh } from "./manager/setup.js";

const PREFIX = "pt-removed";

const program = (): ReturnType<typeof newProgram> => newProgram({ prefix: PREFIX });

async function ours(): Promise<string[]> {
  const text = await docker("ps", "-aq", "--no-trunc", "--filter", `label=dev.podkit.prefix=${PREFIX}`);
  return text === "" ? [] : text.split("\n");
}

async function cleanUp(): Promise<void> {
  for (const id of await ours()) await docker("rm", "-fv", id);
}

beforeAll(cleanUp);
afterEach(cleanUp);

/** How long after a removal began the other program wants the session, in ms. */
const OFFSETS = [0, 5, 10, 20, 30, 45, 60, 80, 100, 130, 170, 220];

describe("row 20, row 33: a session whose container is being removed", () => {
  it("row 33: is opened by other programs while one closes it, at any moment", async () => {
    const closer = program();
    const others = Array.from({ length: 3 }, () => program());
    for (const [index, ms] of OFFSETS.entries()) {
      const sessionId = `closing-${index}`;
      const first = await closer.open(sessionId);
      const closing = first.remove();
      await new Promise((resolve) => setTimeout(resolve, ms));
      const opened = await Promise.all(others.map(({ open }) => open(sessionId)));
      await closing;
      for (const sandbox of opened) expect((await sh(sandbox, "echo well")).stdout).toBe("well\n");
      expect(await ours()).toHaveLength(1);
      await opened[0]?.remove();
    }
    await Promise.all([closer, ...others].map(({ close }) => close()));
  }, 180_000);

  it("row 20: is used while somebody removes its container, and makes it again", async () => {
    const { open, close } = program();
    const sandbox = await open("used");
    for (const ms of OFFSETS) {
      const { containerId } = await sandbox.info();
      const removing = docker("rm", "-f", containerId);
      await new Promise((resolve) => setTimeout(resolve, ms));
      const used = await Promise.allSettled(Array.from({ length: 12 }, () => sh(sandbox, "echo well")));
      await removing;
      for (const one of used) {
        // A command that had begun may be lost with its container; that is said, and nothing else is.
        if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "exec_lost" });
        else expect(one.value.stdout).toBe("well\n");
      }
      expect((await sh(sandbox, "echo again")).stdout).toBe("again\n");
      expect(await ours()).toHaveLength(1);
    }
    await close();
  }, 180_000);
});
