import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createPodkit, EventBus, PodkitError, type PodkitEvent } from "podkit";
import { expect, it } from "vitest";
import { describeDocker } from "../support/describe.js";
import { IMAGES } from "../support/docker.js";

describeDocker("docker: the facade", ({ prefix, sessionContext }) => {
  const { backend } = sessionContext;
  const config = { image: IMAGES.busybox };
  const ours = () => backend.list({ "dev.podkit.prefix": prefix });

  it("row 12: `await using` removes at the end of the block, also when it throws, and does not hide that error", async () => {
    await using podkit = createPodkit({ prefix });
    {
      await using session = await podkit.getSession({ ...sessionContext.newId(), config });
      expect((await session.executeCommand(["echo", "hi"])).stdout).toBe("hi\n");
      expect(await ours()).toHaveLength(1);
    }
    expect(await ours()).toEqual([]);
    const block = async (): Promise<void> => {
      await using session = await podkit.getSession({ ...sessionContext.newId(), config });
      await session.executeCommand(["true"]);
      throw new Error("the block's own");
    };
    await expect(block()).rejects.toThrow("the block's own");
    expect(await ours()).toEqual([]);
  });

  it("row 27: runInDocker puts files in, runs one command, and everything is removed afterwards", async () => {
    await using podkit = createPodkit({ prefix });
    const files = { "main.sh": "echo $((6 * 7)); cat data/in", "data/in": Buffer.from("bytes") };
    const result = await podkit.run("sh main.sh", { ...config, prefix, files, network: "none" });
    expect([result.exitCode, result.stdout, result.stderr]).toEqual([0, "42\nbytes", ""]);
    expect(await ours()).toEqual([]);
  });

  it("row 27: a timeout ends it, and an image that does not exist is an error; nothing is left of either", async () => {
    await using podkit = createPodkit({ prefix });
    const late = await podkit.run("echo begun; sleep 60", { ...config, prefix, timeoutMs: 1_000 });
    expect([late.timedOut, late.stdout]).toEqual([true, "begun\n"]);
    const missing = podkit.run("true", { image: "podkit-test/none:1", pullPolicy: "never", prefix });
    await expect(missing).rejects.toMatchObject({ code: "not_found" });
    expect(await ours()).toEqual([]);
  });

  it("rows 29, 30: events come in order with ids; a failed creation names its image and tells both failures", async () => {
    const events = new EventBus();
    const seen: PodkitEvent[] = [];
    events.on("*", (event) => void seen.push(event));
    events.on("container.creating", () => {
      throw new Error("a listener that throws");
    });
    await using podkit = createPodkit({ prefix, events });
    const id = sessionContext.newId();
    const session = await podkit.getSession({ ...id, config });
    await session.close();
    const types = seen.map(({ type }) => type);
    const order = [
      "container.creating",
      "container.created",
      "container.started",
      "session.created",
      "session.closing",
    ];
    expect(types.filter((type) => order.includes(type))).toEqual(order);
    expect(types.slice(types.indexOf("session.closing"))).toEqual([
      "session.closing",
      "container.removed",
      "session.closed",
    ]);
    for (const event of seen) expect([event.userId, event.sessionId]).toEqual([id.userId, id.sessionId]);
    seen.length = 0;
    const image = "podkit-test/none:1";
    const failing = podkit.getSession({ ...sessionContext.newId(), config: { image, pullPolicy: "never" } });
    await expect(failing).rejects.toThrow(image);
    const failures = seen.map(({ type }) => type).filter((type) => type.endsWith("Failed"));
    expect(failures).toEqual(["container.creationFailed", "session.creationFailed"]);
    expect(await ours()).toEqual([]);
  });

  it("row 29: one hook may change a config before creation, and what it gave back is what is stored", async () => {
    await using podkit = createPodkit({ prefix, beforeCreate: (asked) => ({ ...asked, environment: { HOOK: "on" } }) });
    const id = sessionContext.newId();
    const session = await podkit.getSession({ ...id, config });
    expect((await session.executeCommand(["env"])).stdout).toContain("HOOK=on\n");
    await using other = createPodkit({ prefix });
    const again = await other.getSession({ ...id, config: { environment: { HOOK: "on" } } });
    expect((await again.info()).containerId).toBe((await session.info()).containerId);
    const conflicting = other.getSession({ ...id, config: { environment: { HOOK: "off" } } });
    await expect(conflicting).rejects.toMatchObject({ code: "conflict" });
  });

  it("row 51: an engine that is not there is `unavailable`, and the message says where it was looked for", async () => {
    await using podkit = createPodkit({ prefix, docker: { env: { DOCKER_HOST: "unix:///no/such/docker.sock" } } });
    const error = await podkit.connect().catch((failure: unknown) => failure);
    expect(PodkitError.is(error, "unavailable")).toBe(true);
    expect(String(error)).toContain("/no/such/docker.sock");
  });

  it("row 51: the docker context in use is taken, before the usual sockets, and DOCKER_HOST before it", async () => {
    const folder = await sessionContext.tempDir();
    const { endpoint } = await backend.connect();
    const meta = join(folder, "contexts/meta", createHash("sha256").update("pt").digest("hex"));
    await mkdir(meta, { recursive: true });
    await writeFile(join(folder, "config.json"), JSON.stringify({ currentContext: "pt" }));
    const nowhere = "unix:///no/such/docker.sock";
    for (const [host, env] of [
      [endpoint, {}],
      [nowhere, { DOCKER_HOST: endpoint }],
    ] as const) {
      await writeFile(join(meta, "meta.json"), JSON.stringify({ Name: "pt", Endpoints: { docker: { Host: host } } }));
      await using podkit = createPodkit({ prefix, docker: { env: { ...env, DOCKER_CONFIG: folder } } });
      expect(await podkit.connect()).toMatchObject({ endpoint });
      const session = await podkit.getSession({ ...sessionContext.newId(), config });
      expect((await session.executeCommand(["echo", "there"])).stdout).toBe("there\n");
    }
    await writeFile(join(meta, "meta.json"), JSON.stringify({ Endpoints: { docker: { Host: nowhere } } }));
    await using podkit = createPodkit({ prefix, docker: { env: { DOCKER_CONFIG: folder } } });
    await expect(podkit.connect()).rejects.toThrow(/no\/such\/docker\.sock/);
  });

  it("fifty different sessions at once all work on two cores", { timeout: 300_000 }, async () => {
    await using podkit = createPodkit({ prefix });
    const sessions = await Promise.all(
      Array.from({ length: 50 }, () =>
        podkit.getSession({ ...sessionContext.newId(), config: { ...config, memoryLimit: "64m" } }),
      ),
    );
    const said = await Promise.all(
      sessions.map(async (session) => (await session.executeCommand(["echo", session.sessionId])).stdout.trim()),
    );
    expect(said).toEqual(sessions.map(({ sessionId }) => sessionId));
    expect(await ours()).toHaveLength(50);
    await Promise.all(sessions.map((session) => session.close()));
    expect(await ours()).toEqual([]);
  });
});
