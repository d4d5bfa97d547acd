import { PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { containerName } from "../src/index.js";
import { eventually } from "./fake/clock.js";
import { FakeEngine } from "./fake/engine.js";
import { ID, SINKS, SLEEP, setup, TRUE } from "./fake/setup.js";

const NAME = containerName({ prefix: "podkit", ...ID });

describe("a sandbox", () => {
  it("(9) starts its container again where it stopped", async () => {
    const { engine, manager, types } = setup();
    const sandbox = await manager.open(ID);
    const { id } = engine.get(NAME);
    engine.end(engine.get(NAME), 90);
    expect(await (await sandbox.exec(TRUE, SINKS)).wait()).toMatchObject({ exitCode: 0 });
    expect(engine.get(NAME)).toMatchObject({ id, state: "running" });
    expect(types().filter((type) => type === "container.started")).toHaveLength(2);
  });

  it("(20) makes it again with its whole configuration where it is gone", async () => {
    const { engine, manager } = setup();
    const config = {
      memoryLimit: "256m",
      environment: { A: "1" },
      ports: [{ container: 80, host: 0 }],
      image: "app:1",
      networks: ["net-a"],
    };
    const sandbox = await manager.open({ ...ID, config });
    const before = engine.get(NAME).spec;
    engine.remove(NAME);
    await sandbox.exec(TRUE, SINKS);
    expect(engine.get(NAME).spec).toEqual(before);
  });

  it("(20) remembers the configuration although it was only found", async () => {
    const { engine, manager } = setup();
    await manager.open({ ...ID, config: { memoryLimit: "256m" } });
    engine.end(engine.get(NAME), 90);
    const other = setup({ beforeCreate: () => ({ memoryLimit: "1g" }) }, engine);
    const found = await other.manager.find(ID);
    expect(engine.get(NAME).state).toBe("stopped");
    await found?.files.stat("/x");
    engine.remove(NAME);
    await found?.files.stat("/x");
    expect(engine.get(NAME).spec.limits.memoryBytes).toBe(256 * 1024 ** 2);
  });

  it("heals once for many callers", async () => {
    const { engine, manager } = setup();
    const sandbox = await manager.open(ID);
    engine.remove(NAME);
    await Promise.all(Array.from({ length: 20 }, () => sandbox.exec(TRUE, SINKS)));
    expect(engine.creates).toBe(2);
  });

  it("(54) goes on with a replaced container, and its old handles fail", async () => {
    const { engine, manager } = setup();
    const sandbox = await manager.open(ID);
    const handle = await sandbox.exec(SLEEP, SINKS);
    const ended = await sandbox.exec(TRUE, SINKS);
    await ended.wait();
    const reading = sandbox.files.read("/x")[Symbol.asyncIterator]();
    await reading.next();
    engine.remove(NAME);
    await (await setup({}, engine).manager.open(ID)).files.stat("/x");
    const replaced = { code: "not_found", details: { reason: "replaced" } };
    await expect(handle.wait()).rejects.toMatchObject(replaced);
    await expect(handle.kill()).rejects.toMatchObject(replaced);
    await expect(handle.writeStdin(Buffer.from("x"))).rejects.toMatchObject(replaced);
    await expect(reading.next()).rejects.toMatchObject(replaced);
    await expect(sandbox.exec(TRUE, SINKS)).resolves.toBeDefined();
    await expect(handle.kill()).rejects.toMatchObject(replaced);
    await expect(ended.kill()).rejects.toMatchObject(replaced);
    expect(await ended.wait()).toMatchObject({ exitCode: 0 });
    expect(engine.creates).toBe(2);
  });

  it("(41) says exec_lost for a command whose container ended", async () => {
    const { engine, manager } = setup();
    const sandbox = await manager.open(ID);
    const handle = await sandbox.exec(SLEEP, SINKS);
    engine.end(engine.get(NAME), 137);
    await expect(handle.wait()).rejects.toMatchObject({ code: "exec_lost", retryable: false });
  });

  it("ends the container where a tree could not be ended, and heals", async () => {
    const { engine, manager, types } = setup();
    const sandbox = await manager.open(ID);
    const handle = await sandbox.exec({ ...TRUE, argv: ["stuck"] }, SINKS);
    await expect(handle.wait()).rejects.toThrow(/the container was ended/);
    expect(engine.get(NAME).state).toBe("stopped");
    expect(types().at(-1)).toBe("container.stopped");
    await (await sandbox.exec(TRUE, SINKS)).wait();
  });

  it("(41) fails fast while the engine is away, and works once it is back", async () => {
    const { engine, manager } = setup();
    const sandbox = await manager.open(ID);
    engine.end(engine.get(NAME), 0);
    engine.down = true;
    await eventually(async () => (await sandbox.exec(TRUE, SINKS).catch((error: unknown) => error)) !== undefined);
    await expect(sandbox.exec(TRUE, SINKS)).rejects.toMatchObject({ code: "unavailable" });
    expect(engine.containers.size).toBe(1);
    engine.down = false;
    await (await sandbox.exec(TRUE, SINKS)).wait();
  });

  it("stops by asking the agent, and by the engine where the agent does not answer", async () => {
    const { engine, manager, types, told } = setup();
    const sandbox = await manager.open(ID);
    await sandbox.stop();
    expect(engine.get(NAME)).toMatchObject({ state: "stopped", exitCode: 91 });
    expect(told.at(-1)).toMatchObject({ type: "container.stopped", exitCode: 91 });
    await sandbox.stop();
    expect(types().filter((type) => type === "container.stopped")).toHaveLength(1);
    await sandbox.exec(TRUE, SINKS);
    await sandbox.release();
    engine.fail("openStream", () => new PodkitError("unavailable", "The agent is stuck."));
    await (await setup({}, engine).manager.find(ID))?.stop();
    expect(engine.get(NAME)).toMatchObject({ state: "stopped", exitCode: 143 });
  });

  it("pauses and resumes, and both are fine twice", async () => {
    const { engine, manager } = setup();
    const sandbox = await manager.open(ID);
    const running = await sandbox.exec(SLEEP, SINKS);
    await sandbox.pause();
    await sandbox.pause();
    expect(engine.get(NAME).state).toBe("paused");
    await expect(sandbox.exec(TRUE, SINKS)).rejects.toMatchObject({ code: "invalid_state" });
    expect(await sandbox.info()).toMatchObject({ state: "paused", lastActivityAt: null });
    await sandbox.resume();
    await sandbox.resume();
    await (await sandbox.exec(TRUE, SINKS)).wait();
    await expect(running.writeStdin(Buffer.from("x"))).resolves.toBeUndefined();
    running.wait().catch(() => undefined);
    await sandbox.stop();
    await expect(sandbox.pause()).rejects.toMatchObject({ code: "invalid_state" });
    await expect(sandbox.resume()).rejects.toMatchObject({ code: "invalid_state" });
    expect(engine.get(NAME).state).toBe("stopped");
  });

  it("sees that another program resumed it", async () => {
    const { engine, manager } = setup();
    const sandbox = await manager.open(ID);
    await sandbox.pause();
    await (await setup({}, engine).manager.find(ID))?.resume();
    await (await sandbox.exec(TRUE, SINKS)).wait();
  });

  it("removes once, tells of it, and tells of a failure", async () => {
    const { engine, manager, types } = setup();
    const sandbox = await manager.open(ID);
    engine.down = true;
    await expect(sandbox.remove()).rejects.toMatchObject({ code: "unavailable" });
    engine.down = false;
    await sandbox.remove();
    await sandbox.remove();
    expect(engine.containers.size).toBe(0);
    expect(types().filter((type) => type === "container.removed")).toHaveLength(1);
  });

  it("gives info without starting anything", async () => {
    const { engine, manager } = setup();
    const sandbox = await manager.open({ ...ID, config: { cpuLimit: 2 } });
    expect(await sandbox.info()).toMatchObject({
      ...ID,
      prefix: "podkit",
      state: "running",
      backend: "fake",
      image: "python:3.11-alpine",
      agentVersion: "9.9.9",
      lastActivityAt: 5,
      workspacePath: null,
      limits: {
        cpus: { value: 2, enforced: true },
        memoryBytes: { value: 536_870_912, enforced: true },
        pids: { value: 512, enforced: true },
      },
    });
    engine.end(engine.get(NAME), 90);
    expect(await sandbox.info()).toMatchObject({ state: "stopped", exitCode: 90, lastActivityAt: null });
    expect(engine.get(NAME).state).toBe("stopped");
    engine.remove(NAME);
    await expect(sandbox.info()).rejects.toMatchObject({ code: "not_found" });
  });

  it("reads the log of a stopped container", async () => {
    const { engine, manager } = setup();
    const sandbox = await manager.open(ID);
    engine.get(NAME).log = "hello";
    engine.end(engine.get(NAME), 0);
    const pieces: string[] = [];
    for await (const { data } of sandbox.logs()) pieces.push(Buffer.from(data).toString());
    expect(pieces).toEqual(["hello"]);
    expect(engine.get(NAME).state).toBe("stopped");
  });

  it("shares one connection, and lets go of it with the last holder", async () => {
    const engine = new FakeEngine();
    const { manager } = setup({}, engine);
    const [a, b] = await Promise.all([manager.open(ID), manager.open(ID)]);
    expect(engine.agents).toBe(1);
    await a.release();
    await a.release();
    await b.exec(TRUE, SINKS);
    await expect(a.exec(TRUE, SINKS)).rejects.toMatchObject({ code: "invalid_state" });
    await b.release();
    await manager.open(ID);
    expect(engine.agents).toBe(2);
  });

  it("is listed by its own prefix only", async () => {
    const engine = new FakeEngine();
    await setup({}, engine).manager.open(ID);
    await setup({ prefix: "podkit-test" }, engine).manager.open(ID);
    expect(await setup({}, engine).manager.list()).toMatchObject([{ ...ID, prefix: "podkit", state: "running" }]);
    // An image that was made of a session's container hands its labels on to any other.
    engine.create({ ...engine.get(NAME).spec, name: "somebody-elses" });
    expect(await setup({}, engine).manager.list()).toHaveLength(1);
    expect(await setup({}, engine).manager.find({ userId: "nobody", sessionId: "1" })).toBeNull();
  });
});
