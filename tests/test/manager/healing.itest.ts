import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, docker, ours, program, sh } from "./setup.js";

beforeAll(cleanUp);
afterEach(cleanUp);

describe("a sandbox on docker", () => {
  it("row 9: starts its container again where it stopped itself, files intact", async () => {
    const { open, close } = program();
    const sandbox = await open("idle", { containerLifetimeMs: 700 });
    await sh(sandbox, "echo kept > /root/x");
    const { containerId } = await sandbox.info();
    await expect.poll(async () => (await sandbox.info()).state, { timeout: 30_000 }).toBe("stopped");
    expect((await sandbox.info()).exitCode).toBe(90);
    expect((await sh(sandbox, "cat /root/x")).stdout).toBe("kept\n");
    expect((await sandbox.info()).containerId).toBe(containerId);
    await close();
  });

  it("row 9: never loses a command to an idle stop at that very moment", async () => {
    const { open, close } = program();
    const sandbox = await open("race", { containerLifetimeMs: 300 });
    for (let round = 0; round < 12; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 270 + round * 6));
      expect((await sh(sandbox, "echo alive")).stdout).toBe("alive\n");
    }
    await close();
  });

  it("row 20, row 54: makes it again where it was removed, and old handles fail", async () => {
    const first = program();
    const second = program();
    const sandbox = await first.open("gone", { memoryLimit: "128m", environment: { A: "one" } });
    const handle = await sandbox.exec(
      { argv: ["sleep", "100"], stdin: true, maxOutputBytes: 10 },
      { onStdout: () => undefined, onStderr: () => undefined },
    );
    const ending = handle.wait().catch((error: unknown) => error);
    await docker("rm", "-f", (await sandbox.info()).containerId);
    expect(await ending).toMatchObject({ code: expect.stringMatching(/exec_lost|not_found/) });
    expect((await sh(sandbox, "echo $A")).stdout).toBe("one\n");
    expect((await sandbox.info()).limits.memoryBytes).toEqual({ value: 128 * 1024 ** 2, enforced: true });
    const replaced = { code: "not_found", details: { reason: "replaced" } };
    await expect(handle.kill()).rejects.toMatchObject(replaced);
    await expect(handle.wait()).rejects.toMatchObject(replaced);
    await expect(handle.writeStdin(Buffer.from("x"))).rejects.toMatchObject(replaced);
    expect(await ours()).toHaveLength(1);
    await first.close();
    await second.close();
  });

  it("row 41: says so within seconds where the container is killed under a command, and goes on", async () => {
    const { open, close } = program();
    const sandbox = await open("killed");
    const handle = await sandbox.exec(
      { argv: ["sleep", "100"], stdin: false, maxOutputBytes: 10 },
      { onStdout: () => undefined, onStderr: () => undefined },
    );
    const before = Date.now();
    const ending = handle.wait().catch((error: unknown) => error);
    await docker("kill", (await sandbox.info()).containerId);
    expect(await ending).toMatchObject({ code: "exec_lost", retryable: false });
    expect(Date.now() - before).toBeLessThan(5_000);
    expect((await sh(sandbox, "echo again")).stdout).toBe("again\n");
    await close();
  });

  it("row 9: stops by its agent when asked to, and again after it was started anew", async () => {
    const { open, close, told } = program();
    const sandbox = await open("stop");
    await sandbox.stop();
    expect(await sandbox.info()).toMatchObject({ state: "stopped", exitCode: 91 });
    expect(told.at(-1)).toMatchObject({ type: "container.stopped", exitCode: 91 });
    await sh(sandbox, ["true"]);
    await sandbox.stop();
    await close();
  });

  it("pauses, refuses commands meanwhile, and goes on where it was", async () => {
    const first = program();
    const second = program();
    const sandbox = await first.open("pause");
    const handle = await sandbox.exec(
      { argv: ["/bin/sh", "-c", "read x; echo got $x"], stdin: true, maxOutputBytes: 100 },
      { onStdout: () => undefined, onStderr: () => undefined },
    );
    await sandbox.pause();
    const before = Date.now();
    await expect(sh(sandbox, ["true"])).rejects.toMatchObject({ code: "invalid_state", details: { reason: "paused" } });
    const other = await second.open("pause");
    await expect(sh(other, ["true"])).rejects.toMatchObject({ code: "invalid_state" });
    expect(Date.now() - before).toBeLessThan(3_000);
    await other.resume();
    expect((await sh(other, "echo 1")).stdout).toBe("1\n");
    expect((await sh(sandbox, "echo 2")).stdout).toBe("2\n");
    await handle.writeStdin(Buffer.from("word\n"));
    expect(await handle.wait()).toMatchObject({ exitCode: 0 });
    await sandbox.pause();
    await sandbox.stop();
    expect((await sandbox.info()).state).toBe("stopped");
    await first.close();
    await second.close();
  });

  it("lists and finds its own prefix only, and starts nothing for it", async () => {
    const first = program();
    const second = program({ prefix: "pt-managerx" });
    await first.open("one");
    const stopped = await first.open("two");
    await stopped.stop();
    const listed = await first.manager.list();
    expect(listed.map(({ sessionId, state }) => [sessionId, state]).sort()).toEqual([
      ["one", "running"],
      ["two", "stopped"],
    ]);
    expect(await second.manager.list()).toEqual([]);
    const found = await first.manager.find({ userId: "bob", sessionId: "two" });
    expect((await found?.info())?.state).toBe("stopped");
    expect(await first.manager.find({ userId: "bob", sessionId: "three" })).toBeNull();
    await first.close();
    await second.close();
  });
});
