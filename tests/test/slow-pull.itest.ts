import { afterAll, beforeAll, expect, it } from "vitest";
import { describeDocker } from "../support/describe.js";
import { IMAGES } from "../support/docker.js";
import { type HeldRegistry, startHeldRegistry } from "../support/held-registry.js";
import { until, within } from "../support/wait.js";

describeDocker("docker: a slow image pull", ({ sessionContext: context, docker }) => {
  let registry: HeldRegistry;
  beforeAll(async () => {
    registry = await startHeldRegistry();
  });
  afterAll(async () => {
    await registry.close();
    await docker
      .getImage(registry.image)
      .remove()
      .catch(() => undefined);
  });

  it("row 33: holds up nobody else, and its own callers share it", { timeout: 120_000 }, async () => {
    const id = context.newId();
    let opened = 0;
    const slow = Promise.all(
      [1, 2, 3].map(async () => {
        const session = await context.harness.open({ ...id, config: { image: registry.image } });
        opened += 1;
        return (await session.info()).containerId;
      }),
    );
    slow.catch(() => undefined);
    await until("the pull's beginning", 30_000, async () => registry.asked() > 0);
    const opening = context.harness.open({ ...context.newId(), config: { image: IMAGES.busybox } });
    const other = await within("another session", 45_000, opening);
    expect((await other.executeCommand(["echo", "not held up"])).stdout).toBe("not held up\n");
    expect(opened).toBe(0);
    registry.release();
    expect(new Set(await slow).size).toBe(1);
    expect(registry.asked()).toBe(1);
    expect(await context.backend.list({ "dev.podkit.prefix": context.prefix })).toHaveLength(2);
  });
});
