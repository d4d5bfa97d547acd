import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Flights } from "../src/create/flights.js";
import { PortPool } from "../src/index.js";
import { findParent, parentNetworks } from "../src/parent.js";
import { drawPort, resolvePorts } from "../src/ports/draw.js";
import { Turns } from "../src/turns.js";
import { makeWorkspace } from "../src/workspace.js";
import { FakeBackend } from "./fake/backend.js";
import { eventually } from "./fake/clock.js";
import { FakeEngine } from "./fake/engine.js";
import { ID, setup } from "./fake/setup.js";

describe("a pool of ports (28)", () => {
  it("gives the lowest free block, takes blocks back, and runs out", () => {
    const pool = new PortPool({ first: 8_000, last: 8_006, blockSize: 2 });
    expect(pool.free).toBe(3);
    const first = pool.acquire();
    expect([first, pool.acquire(), pool.acquire()]).toEqual([
      [8_000, 8_001],
      [8_002, 8_003],
      [8_004, 8_005],
    ]);
    expect(() => pool.acquire()).toThrow(expect.objectContaining({ code: "resource_exhausted" }));
    pool.release([8_002, 8_003]);
    pool.release(first);
    pool.release(first);
    expect(pool.acquire()).toEqual([8_000, 8_001]);
    expect(pool.acquire()).toEqual([8_002, 8_003]);
  });

  it.each([[[8_001, 8_002]], [[8_000]], [[]], [[7_998, 7_999]], [[8_006, 8_007]], [[8_000, 8_003]]])(
    "refuses %j back",
    (block) => {
      const pool = new PortPool({ first: 8_000, last: 8_006, blockSize: 2 });
      expect(() => pool.release(block)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    },
  );

  it.each([
    { first: 0, last: 10 },
    { first: 10, last: 9 },
    { first: 1, last: 70_000 },
    { first: 1, last: 5, blockSize: 6 },
    { first: 1.5, last: 5 },
  ])("refuses the range %j", (options) => {
    expect(() => new PortPool(options)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

describe("drawing ports", () => {
  it("finds a free one of this machine, and never one twice", async () => {
    const tcp = await drawPort({ address: "127.0.0.1", protocol: "tcp" }, true);
    const udp = await drawPort({ address: "127.0.0.1", protocol: "udp" }, true);
    const far = await drawPort({ address: "192.0.2.1", protocol: "tcp" }, true);
    for (const port of [tcp, udp, far]) expect(port).toBeGreaterThan(1_023);
    const asked = [1, 2, 3].map((container) => ({
      container,
      host: 0,
      address: "127.0.0.1",
      protocol: "tcp" as const,
    }));
    let next = 40_000;
    const draw = (): Promise<number> => Promise.resolve(Math.floor(next++ / 3));
    const ports = await resolvePorts(asked, { draw, local: false, remembered: [], avoid: new Set([13_334]) });
    expect(ports.map(({ host }) => host)).toEqual([13_333, 13_335, 13_336]);
  });
});

describe("turns", () => {
  it("are limited, in order, and given on after an abort and a failure", async () => {
    const turns = new Turns(2);
    const order: number[] = [];
    const finish: (() => void)[] = [];
    const work = (n: number, options = {}): Promise<void> =>
      turns.take(`${n}`, options, () => {
        order.push(n);
        return new Promise((resolve) => finish.push(resolve));
      });
    const controller = new AbortController();
    const running = [work(1), work(2), work(3, { signal: controller.signal }).catch(() => undefined), work(4)];
    controller.abort();
    await running[2];
    finish[0]?.();
    await running[0];
    await eventually(() => order.length === 3);
    expect(order).toEqual([1, 2, 4]);
    await expect(turns.take("x", { signal: AbortSignal.abort() }, () => Promise.resolve())).rejects.toMatchObject({
      code: "aborted",
    });
    finish[1]?.();
    finish[2]?.();
    await Promise.all(running);
    await expect(turns.take("fails", {}, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await Promise.all([work(5), work(6), eventually(() => finish.length === 5).then(() => finish.map((run) => run()))]);
    expect(order).toEqual([1, 2, 4, 5, 6]);
  });
});

describe("flights", () => {
  it("dispose of a result once everybody took their part, also where nobody waited for it", async () => {
    const disposed: string[] = [];
    const flights = new Flights<string, string>((result) => disposed.push(result));
    const ride = (signal?: AbortSignal): Promise<string> =>
      flights.ride(
        "k",
        "work",
        { signal },
        "w",
        () => new Promise((resolve) => setImmediate(() => resolve("r"))),
        ({ result }) => `${result}${disposed.length}`,
        () => "failed",
      );
    expect(await Promise.all([ride(), ride()])).toEqual(["r0", "r0"]);
    await eventually(() => disposed.length === 1);
    const controller = new AbortController();
    const leaving = ride(controller.signal);
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: "aborted" });
    await eventually(() => disposed.length === 2);
  });
});

describe("a workspace (32)", () => {
  const made: string[] = [];
  const fresh = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), "pt-manager-unit-"));
    made.push(path);
    return path;
  };
  afterEach(async () => {
    for (const path of made.splice(0)) await rm(path, { recursive: true, force: true });
  });

  it("is made once and found again, whatever the container put into it", async () => {
    const root = await fresh();
    const path = await makeWorkspace(join(root, "deep/er"), "bob", "1");
    expect(path).toBe(join(root, "deep/er/workspaces/bob/1"));
    await symlink("/etc", join(path, "link"));
    expect(await makeWorkspace(join(root, "deep/er"), "bob", "1")).toBe(path);
    expect(await readdir(path)).toEqual(["link"]);
  });

  it("refuses a symbolic link or a file in a folder's place", async () => {
    const root = await fresh();
    await mkdir(join(root, "workspaces/bob"), { recursive: true });
    await symlink("/etc", join(root, "workspaces/bob/1"));
    await expect(makeWorkspace(root, "bob", "1")).rejects.toMatchObject({
      code: "invalid_state",
      message: expect.stringContaining("symbolic link"),
    });
    await writeFile(join(root, "workspaces/eve"), "");
    await expect(makeWorkspace(root, "eve", "1")).rejects.toMatchObject({ code: "invalid_state" });
    const { engine, manager } = setup({ workspace: root });
    await expect(manager.open(ID)).rejects.toMatchObject({ code: "invalid_state" });
    expect(engine.creates).toBe(0);
  });

  it("is mounted at the working folder, by the engine's own path, but not over a volume that was asked for there", async () => {
    const root = await fresh();
    const { engine, manager } = setup({ workspace: root, workspaceHost: "/far" });
    const mountsOf = async (sessionId: string, config: object): Promise<unknown> => {
      await manager.open({ userId: "bob", sessionId, config });
      return [...engine.containers.values()].at(-1)?.spec.mounts;
    };
    expect(await mountsOf("1", {})).toEqual([
      { type: "bind", source: "/far/workspaces/bob/1", target: "/workspace", readOnly: false },
    ]);
    expect(await mountsOf("2", { workingDir: "/srv" })).toMatchObject([{ target: "/srv" }]);
    const own = { volumes: [{ source: "/mine", target: "/workspace" }] };
    expect(await mountsOf("3", own)).toMatchObject([{ source: "/mine" }]);
    expect(await readdir(join(root, "workspaces/bob"))).toEqual(["1", "2", "3"]);
    expect(await (await manager.open({ userId: "bob", sessionId: "1" })).info()).toMatchObject({
      workspacePath: join(root, "workspaces/bob/1"),
    });
  });

  it("belongs to a strategy that reads it, and to none where the manager has none", async () => {
    const { manager } = setup({ mounts: ({ workspace }) => [{ type: "bind", source: workspace, target: "/w" }] });
    await expect(manager.open(ID)).rejects.toThrow(/give the manager a workspace/);
    const { engine, manager: other } = setup({ mounts: ({ userId }) => [{ type: "tmpfs", target: `/${userId}` }] });
    await other.open(ID);
    expect([...engine.containers.values()][0]?.spec.mounts).toEqual([{ type: "tmpfs", target: "/bob" }]);
    const { manager: bad } = setup({ mounts: () => [{ type: "bind", source: "../x", target: "/w" }] });
    await expect(bad.open(ID)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("the program's own container (19)", () => {
  const parentOf = async (files: Record<string, (id: string) => string>, hostname: (id: string) => string) => {
    const engine = new FakeEngine();
    const { manager, backend } = setup({}, engine);
    await manager.open({ ...ID, config: { networks: ["net-a"] } });
    const [id = ""] = engine.containers.keys();
    const read = (path: string): Promise<string> => Promise.resolve(files[path]?.(id) ?? "");
    return { id, found: findParent(backend, { read, hostname: () => hostname(id) }, {}) };
  };
  const nowhere = (): string => "my-laptop";

  it.each([
    ["cgroup v1", { "/proc/self/cgroup": (id: string) => `12:memory:/docker/${id}\n0::/\n` }, nowhere],
    [
      "cgroup v2 under systemd",
      { "/proc/self/cgroup": (id: string) => `0::/system.slice/docker-${id}.scope\n` },
      nowhere,
    ],
    [
      "mountinfo",
      {
        "/proc/self/mountinfo": (id: string) =>
          `7 1 8:1 /var/lib/docker/containers/${id}/hostname /etc/hostname rw - ext4 /dev/sda rw\n`,
      },
      nowhere,
    ],
    ["the host's name", {}, (id: string) => id.slice(0, 12)],
  ])("is found by %s", async (_, files, hostname) => {
    const { id, found } = await parentOf(files, hostname);
    expect((await found).id).toBe(id);
  });

  it("is not one of those that merely run on the same machine", async () => {
    const { found } = await parentOf(
      { "/proc/self/mountinfo": (id) => `7 1 0:9 / /var/lib/docker/containers/${id}/mounts/shm rw - tmpfs shm rw\n` },
      nowhere,
    );
    await expect(found).rejects.toMatchObject({ code: "invalid_state", details: { reason: "no_parent" } });
  });

  it("is an error where there is none, before anything is made", async () => {
    const { engine, manager } = setup();
    await expect(manager.open({ ...ID, config: { inheritParentNetworks: true } })).rejects.toMatchObject({
      code: "invalid_state",
    });
    await expect(manager.open({ ...ID, config: { inheritParentImage: true } })).rejects.toMatchObject({
      code: "invalid_state",
    });
    expect(engine.creates).toBe(0);
  });

  it("shares networks of its own only", async () => {
    const info = new FakeEngine().info(new FakeEngine().create({ ...(await specOf()), networks: ["net-a"] }));
    expect(parentNetworks(info)).toEqual(["net-a"]);
    expect(() => parentNetworks({ ...info, networks: { host: null } })).toThrow(
      expect.objectContaining({ code: "unsupported" }),
    );
    expect(() => parentNetworks({ ...info, networks: {} })).toThrow(/no network/);
  });
});

async function specOf() {
  const engine = new FakeEngine();
  const { manager } = setup({}, engine);
  await manager.open(ID);
  const [container] = engine.containers.values();
  if (container === undefined) throw new Error("nothing was made");
  return container.spec;
}

describe("options", () => {
  it("are checked, and the default image comes from the environment given", async () => {
    expect(() => setup({ prefix: "Bad_Prefix" })).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    expect(() => setup({ defaultImage: "UPPER" })).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    expect(() => setup({ workspace: "/a/../b" })).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    for (const field of ["workspace", "workspaceHost"]) {
      const refused = expect.objectContaining({ code: "invalid_argument", details: { field } });
      expect(() => setup({ [field]: "" })).toThrow(refused);
      expect(() => setup({ [field]: null })).toThrow(refused);
      expect(() => setup({ [field]: "a\0b" })).toThrow(refused);
    }
    const { engine, manager } = setup({ env: { PODKIT_DEFAULT_IMAGE: "app:1" } });
    await manager.open(ID);
    expect([...engine.containers.values()][0]?.spec.image).toBe("app:1");
    expect(new FakeBackend(engine).specVersion).toBe(1);
  });
});
