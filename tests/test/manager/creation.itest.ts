import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getWorkspacePath } from "@podkit/manager";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, docker, ours, program, sh } from "./setup.js";

const NETWORKS = ["pt-manager-a", "pt-manager-b"] as const;
let workspace = "";

beforeAll(async () => {
  await cleanUp();
  workspace = await mkdtemp(join(tmpdir(), "pt-manager-"));
  for (const name of NETWORKS) await docker("network", "create", name).catch(() => "");
});
afterEach(cleanUp);
afterAll(async () => {
  for (const name of NETWORKS) await docker("network", "rm", name);
  await rm(workspace, { recursive: true, force: true });
});

describe("a container on docker", () => {
  it("row 33: is one for 50 callers in two programs", async () => {
    const programs = [program(), program()];
    const sandboxes = await Promise.all(
      Array.from({ length: 50 }, (_, i) => (programs[i % 2] ?? program()).open("fifty")),
    );
    expect(await ours()).toHaveLength(1);
    const results = await Promise.all(sandboxes.map((sandbox) => sh(sandbox, ["true"])));
    expect(results.every(({ exitCode }) => exitCode === 0)).toBe(true);
    for (const { close } of programs) await close();
  });

  it("row 18: keeps drawn ports over a stop, a removal from outside, and for another program", async () => {
    const first = program();
    const sandbox = await first.open("ports", {
      ports: [
        { container: 80, host: 0 },
        { container: 53, host: 0, protocol: "udp" },
      ],
    });
    const before = (await sandbox.info()).ports;
    expect(before).toHaveLength(2);
    await sandbox.stop();
    await sh(sandbox, ["true"]);
    expect((await sandbox.info()).ports).toEqual(before);
    const second = program();
    expect((await (await second.open("ports")).info()).ports).toEqual(before);
    await docker("rm", "-f", (await sandbox.info()).containerId);
    await sh(sandbox, ["true"]);
    expect((await sandbox.info()).ports).toEqual(before);
    const tcp = before.find(({ protocol }) => protocol === "tcp");
    expect(await sandbox.endpoint(80)).toEqual({ host: "127.0.0.1", port: tcp?.host });
    await first.close();
    await second.close();
  });

  it("row 18, row 49: names a taken port and leaves nothing", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    const { open, close, types } = program();
    const failure = open("taken", { ports: [{ container: 80, host: port }] });
    await expect(failure).rejects.toMatchObject({
      code: "conflict",
      details: { reason: "port_taken" },
      message: expect.stringContaining(String(port)),
    });
    expect(await ours()).toEqual([]);
    expect(types()).toContain("container.creationFailed");
    server.close();
    await close();
  });

  it("row 17: has named volumes that are kept, and other users' are others", async () => {
    const { manager, close } = program();
    const config = { volumes: [{ source: "cache", target: "/cache" }] };
    const bob = await manager.open({ userId: "bob", sessionId: "v", config });
    const eve = await manager.open({ userId: "eve", sessionId: "v", config });
    await sh(bob, "echo secret > /cache/x");
    expect((await sh(eve, "ls /cache")).stdout).toBe("");
    await bob.remove();
    const again = await manager.open({ userId: "bob", sessionId: "v2", config });
    expect((await sh(again, "cat /cache/x")).stdout).toBe("secret\n");
    await close();
  });

  it("row 19: joins all networks, and names one that is missing", async () => {
    const { open, close } = program();
    const sandbox = await open("nets", { networks: [...NETWORKS] });
    expect(Object.keys((await sandbox.info()).networks).sort()).toEqual([...NETWORKS]);
    await expect(open("nonet", { networks: ["pt-manager-nowhere"] })).rejects.toThrow(/pt-manager-nowhere/);
    expect(await ours()).toHaveLength(1);
    await close();
  });

  it("row 30: names an image that does not exist, and leaves nothing", async () => {
    const { open, close, types } = program();
    await expect(open("image", { image: "podkit-test/nothing:9", pullPolicy: "never" })).rejects.toThrow(
      /podkit-test\/nothing:9/,
    );
    expect(await ours()).toEqual([]);
    expect(types()).toEqual(["container.creating", "container.creationFailed"]);
    await close();
  });

  it("row 14: that crashes at start fails with status, exit code and last log lines", async () => {
    const { open, close } = program();
    const failure = open("crash", { image: "podkit-test/crash:1", useImageDefaults: true });
    await expect(failure).rejects.toMatchObject({ code: "invalid_state", details: { reason: "crashed", exitCode: 3 } });
    await expect(open("crash2", { command: "echo lived; sleep 0.2; exit 7" })).rejects.toThrow(/exit code 7.*lived/s);
    expect(await ours()).toEqual([]);
    await close();
  });

  it("row 10: runs the program that was asked for", async () => {
    const { open, close } = program();
    const command = await open("command", { command: "echo started; sleep 1000" });
    expect((await sh(command, "ps -o args | grep -c '[s]leep 1000'")).stdout.trim()).not.toBe("0");
    const own = await open("own", { image: "podkit-test/user:1", useImageDefaults: true });
    expect((await sh(own, "id -u; echo $IMAGE_VAR")).stdout).toBe("1234\nfrom-image\n");
    const pid1 = await open("pid1", { image: "podkit-test/user:1", agentAsInit: false });
    expect((await sh(pid1, "cat /proc/1/cmdline | tr '\\0' ' '")).stdout).toContain("sleep 1000");
    await pid1.stop();
    expect((await pid1.info()).state).toBe("stopped");
    await close();
  });

  it("row 7, row 8: has its workspace on the host, also after it was removed", async () => {
    const { open, close } = program({ workspace });
    const sandbox = await open("ws", { image: "podkit-test/user:1" });
    await sandbox.files.write("out.txt", "from inside");
    const path = getWorkspacePath(workspace, "bob", "ws");
    expect((await sandbox.info()).workspacePath).toBe(path);
    await sandbox.remove();
    expect(await readFile(join(path, "out.txt"), "utf8")).toBe("from inside");
    await close();
  });

  it("works on a read-only root, in an image without a shell, and with limits that are in force", async () => {
    const { open, close } = program();
    const readOnly = await open("ro", { readOnlyRootfs: true, memoryLimit: "128m", cpuLimit: 0.5, pidsLimit: 100 });
    expect(await sh(readOnly, "touch /x; touch /workspace/y && echo ok")).toMatchObject({ stdout: "ok\n" });
    expect((await readOnly.info()).limits).toEqual({
      cpus: { value: 0.5, enforced: true },
      memoryBytes: { value: 128 * 1024 ** 2, enforced: true },
      pids: { value: 100, enforced: true },
    });
    const shellless = await open("static", { image: "podkit-test/static:1" });
    expect((await sh(shellless, ["/hello", "hello"])).exitCode).toBe(0);
    await close();
  });

  it("row 34: with another configuration is a conflict, reused or made again", async () => {
    const { open, close } = program();
    const first = await (await open("conf", { memoryLimit: "256m", environment: { TOKEN: "secret-a" } })).info();
    const other = { memoryLimit: "128m", environment: { TOKEN: "secret-b" } };
    const failure: unknown = await open("conf", other).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "conflict", details: { fields: ["memoryLimit", "environment"] } });
    expect(String(failure)).not.toContain("secret");
    const reused = await open("conf", other, { onConfigMismatch: "reuse" });
    expect((await reused.info()).containerId).toBe(first.containerId);
    const recreated = await open("conf", other, { onConfigMismatch: "recreate" });
    expect((await recreated.info()).containerId).not.toBe(first.containerId);
    await close();
  });

  it("whose creation is aborted leaves nothing", async () => {
    const { open, manager, close } = program();
    for (const ms of [0, 5, 30, 80, 150, 250]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), ms);
      await manager.open({ userId: "bob", sessionId: "abort" }, { signal: controller.signal }).then(
        (sandbox) => sandbox.remove(),
        (error: unknown) => expect(error).toMatchObject({ code: "aborted" }),
      );
      const sandbox = await open("abort");
      await sandbox.remove();
      expect(await ours()).toEqual([]);
    }
    await close();
  });
});
