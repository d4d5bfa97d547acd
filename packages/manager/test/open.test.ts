import { type ImageRequest, PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { containerName } from "../src/index.js";
import { eventually } from "./fake/clock.js";
import { FakeEngine } from "./fake/engine.js";
import { ID, SINKS, setup, TRUE } from "./fake/setup.js";

const NAME = containerName({ prefix: "podkit", ...ID });
const OTHER = { userId: "eve", sessionId: "1" };

describe("open", () => {
  it("makes a container, tells of it in order, and runs a command", async () => {
    const { engine, manager, types, told } = setup();
    const sandbox = await manager.open(ID);
    const handle = await sandbox.exec(TRUE, SINKS);
    expect(await handle.wait()).toMatchObject({ exitCode: 0 });
    expect(types()).toEqual(["container.creating", "container.created", "container.started"]);
    expect(told.at(-1)).toMatchObject({ ...ID, containerName: NAME, containerId: engine.get(NAME).id });
  });

  it("makes one with few questions, one after another", async () => {
    const { engine, manager } = setup();
    await manager.open(ID);
    const kinds = engine.calls.map((call) => call.split(" ")[0]);
    expect(kinds).toEqual(["inspect", "ensureImage", "create", "start", "openStream"]);
  });

  it("reconnects with one inspect and one stream", async () => {
    const { engine, manager } = setup();
    await manager.open(ID, {});
    const second = setup({}, engine);
    engine.calls.length = 0;
    await second.manager.open({ ...ID, config: { cpuLimit: 1 } });
    expect(engine.calls.map((call) => call.split(" ")[0])).toEqual(["inspect", "openStream"]);
    expect(second.types()).toEqual([]);
  });

  it("(33) makes one container for 50 callers in two programs", async () => {
    const engine = new FakeEngine();
    const programs = [setup({}, engine), setup({}, engine)];
    const sandboxes = await Promise.all(Array.from({ length: 50 }, (_, i) => programs[i % 2]?.manager.open(ID)));
    expect(engine.creates).toBe(1);
    expect(engine.agents).toBe(2);
    // One flight in each program.
    expect(engine.calls.filter((call) => call.startsWith("ensureImage")).length).toBeLessThanOrEqual(2);
    for (const sandbox of sandboxes) {
      const handle = await sandbox?.exec(TRUE, SINKS);
      expect(await handle?.wait()).toMatchObject({ exitCode: 0 });
    }
    expect(engine.containers.size).toBe(1);
  });

  it("row 33: waits for a container whose name is taken before it can be seen", async () => {
    const { engine, backend, manager } = setup();
    await setup({}, engine).manager.open(ID);
    const inspect = backend.inspect.bind(backend);
    let hidden = 30;
    backend.inspect = (id, options) => {
      hidden -= 1;
      return hidden < 0 ? inspect(id, options) : Promise.reject(new PodkitError("not_found", "It is being made."));
    };
    await manager.open(ID);
    expect(hidden).toBeLessThan(0);
    expect(engine.creates).toBe(1);
  });

  it("gives up where a name stays taken and nothing is there", async () => {
    const { clock, engine, manager } = setup();
    const began = clock.now();
    for (let i = 0; i < 100; i += 1) engine.fail("create", () => new PodkitError("already_exists", "taken"));
    await expect(manager.open(ID)).rejects.toMatchObject({ code: "unavailable" });
    expect(clock.now() - began).toBeGreaterThan(10_000);
  });

  it("(33) lets nobody wait for another user's pull", async () => {
    const { engine, manager } = setup();
    const release = engine.hold("ensureImage");
    const slow = manager.open(ID);
    await eventually(() => engine.calls.some((call) => call.startsWith("ensureImage")));
    release();
    engine.hold("nothing");
    await manager.open(OTHER);
    await slow;
    expect(engine.creates).toBe(2);
  });

  it("(34) refuses another configuration, and reuses or replaces where told to", async () => {
    const { engine, manager } = setup();
    await manager.open({ ...ID, config: { memoryLimit: "256m" } });
    const first = engine.get(NAME).id;
    const other = { ...ID, config: { memoryLimit: "1g" } };
    await expect(manager.open(other)).rejects.toMatchObject({ code: "conflict", details: { fields: ["memoryLimit"] } });
    await manager.open({ ...other, onConfigMismatch: "reuse" });
    expect(engine.get(NAME).id).toBe(first);
    await manager.open({ ...other, onConfigMismatch: "recreate" });
    expect(engine.get(NAME).id).not.toBe(first);
    await manager.open(ID);
  });

  it("(34) compares each caller's own configuration although they share one creation", async () => {
    const { engine, manager } = setup();
    const release = engine.hold("start");
    const leader = manager.open({ ...ID, config: { memoryLimit: "256m" } });
    const same = manager.open({ ...ID, config: { memoryLimit: 256 * 1024 ** 2 } });
    const different = manager.open({ ...ID, config: { memoryLimit: "1g" } });
    const outcome = expect(different).rejects.toMatchObject({ code: "conflict" });
    await eventually(() => engine.calls.some((call) => call.startsWith("start")));
    release();
    await Promise.all([leader, same, outcome]);
    expect(engine.creates).toBe(1);
  });

  it("does not share the failure of another wish", async () => {
    const { engine, manager } = setup();
    const [bad, good] = await Promise.allSettled([
      manager.open({ ...ID, config: { image: "missing:1" } }),
      manager.open({ ...ID, config: { image: "app:1" } }),
    ]);
    expect(bad).toMatchObject({ status: "rejected", reason: { code: "not_found" } });
    expect(good.status).toBe("fulfilled");
    expect(engine.creates).toBe(1);
  });

  it("(39) never touches a container of its name that is not its own", async () => {
    const { engine, manager } = setup();
    await manager.open(ID);
    const container = engine.get(NAME);
    engine.containers.set(container.id, { ...container, spec: { ...container.spec, labels: {} } });
    for (const onConfigMismatch of ["error", "reuse", "recreate"] as const) {
      await expect(manager.open({ ...ID, onConfigMismatch })).rejects.toMatchObject({ code: "conflict" });
    }
    await expect(manager.find(ID)).rejects.toMatchObject({ code: "conflict" });
    expect(await manager.list()).toEqual([]);
    expect(engine.containers.size).toBe(1);
  });

  it("(31) refuses bad input before anything is asked of the engine", async () => {
    const { engine, manager, types } = setup();
    for (const request of [
      { userId: "../x", sessionId: "1" },
      { ...ID, config: { memoryLimit: "1x" } },
      { ...ID, config: { ports: [70_000] } },
    ]) {
      await expect(manager.open(request)).rejects.toMatchObject({ code: "invalid_argument" });
    }
    expect(engine.calls).toEqual([]);
    expect(types()).toEqual([]);
  });

  it("refuses what the engine cannot do before anything is made", async () => {
    const { engine, backend, manager } = setup();
    backend.capabilities = { ...backend.capabilities, gpus: false };
    await expect(manager.open({ ...ID, config: { gpus: 1 } })).rejects.toMatchObject({ code: "unsupported" });
    expect(engine.calls.filter((call) => !call.startsWith("inspect"))).toEqual([]);
  });

  it("(29) stores what the hook gave back, and takes the same wish again", async () => {
    const { engine, manager } = setup({
      beforeCreate: (config) => ({ ...config, memoryLimit: "128m", labels: { team: "x" } }),
    });
    const wish = { ...ID, config: { memoryLimit: "1g" } };
    await manager.open(wish);
    expect(engine.get(NAME).spec.limits.memoryBytes).toBe(128 * 1024 ** 2);
    expect(engine.get(NAME).spec.labels["team"]).toBe("x");
    await manager.open(wish);
    await manager.open({ ...ID, config: { memoryLimit: "128m" } });
    await expect(manager.open({ ...ID, config: { memoryLimit: "2g" } })).rejects.toMatchObject({ code: "conflict" });
  });

  it("row 29: asks the registry with the login that the hook gave back, and tells the image that it chose", async () => {
    const asked: (ImageRequest["registryAuth"] | undefined)[] = [];
    const registryAuth = { username: "u", password: "p" };
    const { backend, engine, manager, told } = setup({
      beforeCreate: (config) => {
        expect(config.registryAuth).toEqual(registryAuth);
        return { ...config, image: "app:1", registryAuth: { ...registryAuth, username: "hook" } };
      },
    });
    const ensureImage = backend.ensureImage.bind(backend);
    backend.ensureImage = (request, options) => {
      asked.push(request.registryAuth);
      return ensureImage(request, options);
    };
    await manager.open({ ...ID, config: { registryAuth } });
    expect(asked).toEqual([{ username: "hook", password: "p" }]);
    expect(told[0]).toMatchObject({ type: "container.creating", image: "app:1" });
    expect(JSON.stringify(engine.get(NAME).spec)).not.toContain("password");
  });

  it("checks what the hook gave back", async () => {
    const { engine, manager } = setup({ beforeCreate: () => ({ cpuLimit: -1 }) });
    await expect(manager.open(ID)).rejects.toMatchObject({ code: "invalid_argument" });
    expect(engine.creates).toBe(0);
  });

  it("gives a paused session without connecting, and refuses commands until it is resumed", async () => {
    const { engine, manager } = setup();
    await (await manager.open(ID)).pause();
    const sandbox = await setup({}, engine).manager.open(ID);
    await expect(sandbox.exec(TRUE, SINKS)).rejects.toMatchObject({
      code: "invalid_state",
      details: { reason: "paused" },
    });
    await sandbox.resume();
    await expect(sandbox.exec(TRUE, SINKS)).resolves.toBeDefined();
  });

  it("(31) refuses a damaged record, but replaces it where told to", async () => {
    const { engine, manager } = setup();
    await manager.open(ID);
    const container = engine.get(NAME);
    const labels = { ...container.spec.labels, "dev.podkit.spec": "{" };
    engine.containers.set(container.id, { ...container, spec: { ...container.spec, labels } });
    await expect(manager.open(ID)).rejects.toMatchObject({ code: "invalid_state" });
    expect(await manager.list()).toHaveLength(1);
    await manager.open({ ...ID, onConfigMismatch: "recreate" });
    expect(engine.get(NAME).id).not.toBe(container.id);
  });

  it("is refused after close", async () => {
    const { manager } = setup();
    await manager.close();
    await expect(manager.open(ID)).rejects.toMatchObject({ code: "invalid_state" });
  });

  it("says who has what with PodkitErrors only", async () => {
    const { engine, manager } = setup();
    engine.down = true;
    const error: unknown = await manager.open(ID).catch((reason: unknown) => reason);
    expect(PodkitError.is(error, "unavailable")).toBe(true);
    engine.down = false;
    await manager.open(ID);
  });
});
