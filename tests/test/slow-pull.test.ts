import { memoryImages } from "@podkit/testing";
import { expect, it } from "vitest";
import { memorySessions } from "../support/memory.js";

it("row 33: a slow image pull holds up nobody else, and its own callers share it", async () => {
  const images = memoryImages();
  const busybox = images.get("memory/busybox");
  if (busybox === undefined) throw new Error("there is no image memory/busybox");
  images.set("slow", { ...busybox, pullMs: 1_500 });
  const { context, harness, backend } = await memorySessions({ images });
  const id = context.newId();
  let pulled = false;
  const slow = Promise.all(
    [1, 2, 3].map(async () => {
      const session = await context.harness.open({ ...id, config: { image: "slow" } });
      pulled = true;
      return (await session.info()).containerId;
    }),
  );
  const other = await context.harness.open({ ...context.newId(), config: { image: "memory/busybox" } });
  expect((await other.executeCommand(["echo", "not held up"])).stdout).toBe("not held up\n");
  expect(pulled).toBe(false);
  expect(new Set(await slow).size).toBe(1);
  expect(await backend.list({ "dev.podkit.prefix": context.prefix })).toHaveLength(2);
  await context.clean();
  await harness.close();
});
