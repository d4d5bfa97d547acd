import { setTimeout as delay } from "node:timers/promises";
import { createPodkit, PodkitError } from "podkit";
import { afterAll, describe, expect, it } from "vitest";
import { IMAGES } from "../support/docker.js";
import { OwnDaemon, whyNoDaemon } from "../support/dockerd.js";
import { dockerAsked } from "../support/engines.js";
import { within } from "../support/wait.js";

const reason = dockerAsked() ? whyNoDaemon() : "Docker was not asked for";

describe("docker: the daemon is killed", async () => {
  if (reason !== "") {
    it("row 41: killed in the middle of a command", ({ skip }) => skip(reason));
    return;
  }
  const daemon = await OwnDaemon.start();
  afterAll(() => daemon.close(), 120_000);

  it("row 41: in the middle of a command: a typed error within 5 s, and the next call works once it is back", {
    timeout: 180_000,
  }, async () => {
    await daemon.load(IMAGES.busybox);
    await using podkit = createPodkit({ prefix: "pt-daemon", docker: { env: { DOCKER_HOST: daemon.host } } });
    const config = { image: IMAGES.busybox, network: "none" as const };
    const session = await podkit.getSession({ userId: "u", sessionId: "s", config });
    await session.writeFile("kept", "kept");
    const running = session.executeCommand(["sleep", "300"]).catch((error: unknown) => error);
    const spawned = await session.spawn(["sleep", "300"]);
    const spawnEnd = spawned.wait().catch((error: unknown) => error);
    await delay(1_500);
    await daemon.kill();
    for (const ended of [running, spawnEnd]) {
      const error = await within("the typed error", 5_000, ended);
      expect(PodkitError.is(error), String(error)).toBe(true);
      expect(error).toMatchObject({ code: "exec_lost", retryable: false });
    }
    const meanwhile = await within(
      "a call meanwhile",
      30_000,
      session.executeCommand(["true"]).catch((error: unknown) => error),
    );
    expect(meanwhile).toMatchObject({ code: "unavailable", retryable: true });
    await daemon.start();
    const next = await within("the next call", 60_000, session.executeCommand(["cat", "kept"]));
    expect(next.stdout).toBe("kept");
    await session.close();
  });
});
