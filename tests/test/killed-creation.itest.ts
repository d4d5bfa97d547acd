import { setTimeout as delay } from "node:timers/promises";
import { createPodkit } from "podkit";
import { expect, it } from "vitest";
import { describeDocker } from "../support/describe.js";
import { IMAGES } from "../support/docker.js";
import { Program } from "../support/program.js";

/** Milliseconds after the beginning of the creation at which the program is killed. */
const MOMENTS = [0, 40, 80, 130, 180, 240, 320, 420, 550, 700, 900, 1_200];

describeDocker("docker: creations that are killed half-way", ({ prefix, sessionContext, docker }) => {
  const { backend } = sessionContext;
  const agentVolumePrefix = `${prefix}-agent`;
  const ours = () => backend.list({ "dev.podkit.prefix": prefix });
  const strangers = async (): Promise<string[]> => {
    const all = await docker.listContainers({ all: true });
    return all
      .filter(({ Mounts }) => Mounts.some(({ Name }) => Name?.startsWith(agentVolumePrefix)))
      .map(({ Id }) => Id);
  };

  for (const moment of MOMENTS) {
    it(`row 49: killed -9 after ${moment} ms, the next call adopts or clears away what is left, and nothing leaks`, async () => {
      const id = sessionContext.newId();
      const program = new Program("create", { prefix, ...id, image: IMAGES.busybox, agentVolumePrefix });
      expect(await program.line()).toBe("begins");
      await delay(moment);
      await program.kill();
      await using podkit = createPodkit({ prefix, docker: { agentVolumePrefix } });
      const session = await podkit.getSession({
        ...id,
        config: { image: IMAGES.busybox, ports: [{ container: 80, host: 0 }] },
      });
      expect((await session.executeCommand(["echo", "works"])).stdout).toBe("works\n");
      expect(await ours()).toHaveLength(1);
      await session.close();
      expect(await ours()).toEqual([]);
      expect(await strangers()).toEqual([]);
    });
  }

  for (const moment of [5, 60, 90, 110, 130, 150, 170, 190, 210, 230, 250, 270, 300, 350, 400, 500, 600]) {
    it(`row 49: aborted after ${moment} ms, a creation leaves nothing`, async () => {
      await using podkit = createPodkit({ prefix });
      const caller = new AbortController();
      const id = sessionContext.newId();
      const opening = podkit.getSession({ ...id, config: { image: IMAGES.busybox }, signal: caller.signal });
      const settled = opening.then(
        () => "made",
        (error: { code?: string }) => error.code,
      );
      await delay(moment);
      caller.abort();
      const how = await settled;
      if (how === "made") return;
      expect(how).toBe("aborted");
      await podkit.shutdown();
      await expect.poll(async () => (await ours()).length, { timeout: 30_000 }).toBe(0);
    });
  }
});
