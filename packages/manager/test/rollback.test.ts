import { PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { containerName } from "../src/index.js";
import { eventually } from "./fake/clock.js";
import { FakeEngine } from "./fake/engine.js";
import { ID, SINKS, setup, TRUE } from "./fake/setup.js";

const NAME = containerName({ prefix: "podkit", ...ID });
const broken = (): PodkitError => new PodkitError("internal", "The fake engine broke.");

describe("a creation that fails", () => {
  it.each(["ensureImage", "create", "start"])("(49) at %s leaves nothing", async (method) => {
    const { engine, manager, types } = setup();
    engine.fail(method, broken);
    await expect(manager.open(ID)).rejects.toMatchObject({ code: "internal" });
    expect(engine.containers.size).toBe(0);
    expect(types().at(-1)).toBe("container.creationFailed");
    await manager.open(ID);
    expect(engine.containers.size).toBe(1);
  });

  it("(30) at a missing image names it", async () => {
    const { engine, manager, types } = setup();
    await expect(manager.open({ ...ID, config: { image: "missing:1" } })).rejects.toThrow(/missing:1/);
    expect(types()).toEqual(["container.creating", "image.pulling", "container.creationFailed"]);
    expect(engine.containers.size).toBe(0);
  });

  it("(19) at a missing network names it", async () => {
    const { engine, manager } = setup();
    await expect(manager.open({ ...ID, config: { networks: ["nowhere"] } })).rejects.toThrow(/nowhere/);
    expect(engine.containers.size).toBe(0);
  });

  it("(14) at a crash says status, exit code and last log lines", async () => {
    const { engine, manager, types } = setup();
    engine.onStart = (container) => {
      container.log = "one\n\u001b[31mboom\u001b[0m\n";
      engine.end(container, 3);
    };
    const error: unknown = await manager.open({ ...ID, config: { command: "x" } }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "invalid_state",
      details: { reason: "crashed", status: "stopped", exitCode: 3, logs: "one\n[31mboom[0m" },
    });
    expect(error).toMatchObject({ message: expect.stringMatching(/status stopped, exit code 3.*boom/s) });
    expect(engine.containers.size).toBe(0);
    expect(types().slice(-2)).toEqual(["container.startFailed", "container.creationFailed"]);
  });

  it("(14) sees a program that ends after the handshake", async () => {
    const { engine, manager } = setup();
    engine.onConnected = (container) => engine.end(container, 4);
    await expect(manager.open({ ...ID, config: { entrypoint: ["x"] } })).rejects.toMatchObject({
      details: { reason: "crashed", exitCode: 4 },
    });
    expect(engine.containers.size).toBe(0);
  });

  it("tries the handshake again while the container runs, and ends at the timeout", async () => {
    const { engine, manager } = setup();
    const cut = (): PodkitError => new PodkitError("unavailable", "cut");
    engine.fail("openStream", cut);
    engine.fail("openStream", cut);
    await manager.open(ID);
    const never = setup();
    for (let i = 0; i < 40; i += 1) never.engine.fail("openStream", cut);
    const config = { startupVerification: { timeoutMs: 1_000 } };
    await expect(never.manager.open({ ...ID, config })).rejects.toMatchObject({
      code: "timeout",
      details: { reason: "not_ready" },
    });
    expect(never.engine.containers.size).toBe(0);
  });

  it("row 14: a later call's startupVerification is that call's", async () => {
    const cut = (): PodkitError => new PodkitError("unavailable", "cut");
    const first = setup();
    await first.manager.open({ ...ID, config: { startupVerification: { timeoutMs: 60_000 } } });
    first.engine.end(first.engine.get(NAME), 90);
    const { engine, manager } = setup({}, first.engine);
    for (let i = 0; i < 400; i += 1) engine.fail("openStream", cut);
    const config = { startupVerification: { timeoutMs: 1_000 } };
    await expect(manager.open({ ...ID, config })).rejects.toMatchObject({
      code: "timeout",
      details: { timeoutMs: 1_000 },
    });
  });

  it("at a limit that the engine quietly drops removes the container", async () => {
    const { engine, manager } = setup();
    const info = engine.info.bind(engine);
    engine.info = (container) => ({ ...info(container), limits: { cpus: null, memoryBytes: null, pids: null } });
    await expect(manager.open({ ...ID, config: { cpuLimit: 2 } })).rejects.toMatchObject({ code: "unsupported" });
    expect(engine.containers.size).toBe(0);
    await manager.open(ID);
  });

  it("tells of a removal that fails, and throws the first error", async () => {
    const { engine, manager, types } = setup();
    engine.fail("start", broken);
    engine.fail("remove", () => new PodkitError("unavailable", "gone"));
    await expect(manager.open(ID)).rejects.toMatchObject({ code: "internal" });
    expect(types()).toContain("container.removalFailed");
    await manager.open(ID);
    expect(engine.containers.size).toBe(1);
  });
});

describe("ports", () => {
  const config = { ports: [{ container: 80, host: 0 }] };

  it("(18) are drawn once, drawn again where taken, and kept", async () => {
    const { engine, manager } = setup();
    engine.onStart = (container) => {
      if (engine.creates > 2) return;
      container.state = "created";
      const host = container.spec.ports[0]?.host ?? 0;
      engine.takenPorts.add(host);
      engine.start(container);
    };
    const sandbox = await manager.open({ ...ID, config });
    expect(engine.creates).toBe(3);
    expect(engine.containers.size).toBe(1);
    const drawn = engine.get(NAME).spec.ports[0]?.host;
    expect(engine.takenPorts.has(drawn ?? 0)).toBe(false);
    engine.remove(NAME);
    await (await sandbox.exec(TRUE, SINKS)).wait();
    expect(engine.get(NAME).spec.ports[0]?.host).toBe(drawn);
    expect(await sandbox.endpoint(80)).toEqual({ host: "127.0.0.1", port: drawn });
  });

  it("(18) fail after five drawn ones, and at once where one was asked for", async () => {
    const { engine, manager } = setup();
    engine.fail(
      "start",
      () => new PodkitError("conflict", "Port 80 is taken.", { details: { reason: "port_taken", port: 80 } }),
    );
    await expect(manager.open({ ...ID, config: { ports: [80] } })).rejects.toThrow(/Port 80/);
    expect(engine.creates).toBe(1);
    engine.onStart = (container) => {
      container.state = "created";
      engine.takenPorts.add(container.spec.ports[0]?.host ?? 0);
      engine.start(container);
    };
    await expect(manager.open({ ...ID, config })).rejects.toMatchObject({ details: { reason: "port_taken" } });
    expect(engine.creates).toBe(7);
    expect(engine.containers.size).toBe(0);
  });
});

describe("adopting", () => {
  it.each(["start", "openStream"])("continues a creation that was killed before %s", async (method) => {
    const { engine, manager } = setup();
    engine.hold(method);
    void manager.open(ID).catch(() => undefined);
    await eventually(() => engine.calls.some((call) => call.startsWith(method)));
    const { id } = engine.get(NAME);
    // The first program is dead: what it waits for never comes.
    engine.hold("nothing");
    const second = setup({}, engine);
    const opening = second.manager.open(ID);
    engine.hold(method)();
    await opening;
    expect(engine.get(NAME)).toMatchObject({ id, state: "running" });
    expect(engine.creates).toBe(1);
  });

  it("begins again where another program removed the container under its hands", async () => {
    const { engine, manager } = setup();
    engine.fail("start", () => {
      engine.remove(NAME);
      return undefined;
    });
    await manager.open(ID);
    expect(engine.creates).toBe(2);
    expect(engine.get(NAME).state).toBe("running");
  });

  it("gives up after five rounds", async () => {
    const { engine, manager } = setup();
    for (let round = 0; round < 8; round += 1) {
      engine.fail("start", () => {
        engine.remove(NAME);
        return undefined;
      });
    }
    await expect(manager.open(ID)).rejects.toMatchObject({ code: "unavailable", retryable: true });
    expect(engine.creates).toBe(5);
  });

  it("starts one that stopped, and leaves it where its start fails", async () => {
    const { engine, manager, types } = setup();
    await manager.open(ID);
    engine.end(engine.get(NAME), 90);
    engine.fail("start", broken);
    await expect(setup({}, engine).manager.open(ID)).rejects.toMatchObject({ code: "internal" });
    expect(engine.containers.size).toBe(1);
    await manager.open(ID);
    expect(types().at(-1)).toBe("container.started");
    expect(engine.creates).toBe(1);
  });

  it("makes a new one where a stopped one was removed under its hands", async () => {
    const { engine, manager } = setup();
    await manager.open(ID);
    engine.end(engine.get(NAME), 90);
    engine.fail("start", () => {
      engine.remove(NAME);
      return undefined;
    });
    await setup({}, engine).manager.open(ID);
    expect(engine.creates).toBe(2);
  });

  it("clears away a half-made one that cannot be started", async () => {
    const { engine, manager } = setup();
    const first = setup({}, engine);
    engine.fail("start", broken);
    engine.fail("remove", () => new PodkitError("unavailable", "killed"));
    await expect(first.manager.open(ID)).rejects.toThrow();
    expect(engine.get(NAME).state).toBe("created");
    engine.fail("start", broken);
    await expect(manager.open(ID)).rejects.toThrow();
    expect(engine.containers.size).toBe(0);
  });
});

describe("an abort", () => {
  it("ends the creation once nobody waits for it, and removes what it made", async () => {
    const { engine, manager } = setup();
    const release = engine.hold("openStream");
    const controllers = [new AbortController(), new AbortController()];
    const calls = controllers.map(({ signal }) => manager.open(ID, { signal }).catch((error: unknown) => error));
    await eventually(() => engine.calls.some((call) => call.startsWith("openStream")));
    controllers[0]?.abort();
    expect(await calls[0]).toMatchObject({ code: "aborted" });
    expect(engine.containers.size).toBe(1);
    controllers[1]?.abort();
    expect(await calls[1]).toMatchObject({ code: "aborted" });
    release();
    await eventually(() => engine.containers.size === 0);
  });

  it("of one caller does not disturb another", async () => {
    const { engine, manager } = setup();
    const release = engine.hold("start");
    const controller = new AbortController();
    const leaver = manager.open(ID, { signal: controller.signal }).catch((error: unknown) => error);
    const stayer = manager.open(ID);
    await eventually(() => engine.calls.some((call) => call.startsWith("start")));
    controller.abort();
    expect(await leaver).toMatchObject({ code: "aborted" });
    release();
    await stayer;
    expect(engine.get(NAME).state).toBe("running");
  });

  it("lets the next caller begin anew once all is cleaned up", async () => {
    const { engine, manager } = setup();
    const release = engine.hold("start");
    const controller = new AbortController();
    const leaver = manager.open(ID, { signal: controller.signal }).catch((error: unknown) => error);
    await eventually(() => engine.calls.some((call) => call.startsWith("start")));
    controller.abort();
    await leaver;
    const next = manager.open(ID);
    release();
    await next;
    expect(engine.get(NAME).state).toBe("running");
    expect(engine.creates).toBe(2);
  });

  it("leaves a container that another program adopted and uses", async () => {
    const engine = new FakeEngine();
    const first = setup({}, engine);
    const second = setup({}, engine);
    const controller = new AbortController();
    const release = engine.hold("openStream");
    const leaver = first.manager
      .open({ ...ID, config: { entrypoint: ["serve"] } }, { signal: controller.signal })
      .catch((error: unknown) => error);
    await eventually(() => engine.calls.some((call) => call.startsWith("openStream")));
    const adopting = second.manager.open(ID);
    await eventually(() => engine.calls.filter((call) => call.startsWith("openStream")).length === 2);
    controller.abort();
    expect(await leaver).toMatchObject({ code: "aborted" });
    const { id } = engine.get(NAME);
    engine.get(NAME).activity = 1;
    release();
    const sandbox = await adopting;
    // Settles once the first program has cleaned up.
    await first.manager.close();
    await (await sandbox.exec(TRUE, SINKS)).wait();
    expect(engine.get(NAME).id).toBe(id);
  });

  it("before the call does nothing at all", async () => {
    const { engine, manager } = setup();
    await expect(manager.open(ID, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
    expect(engine.calls).toEqual([]);
  });
});
