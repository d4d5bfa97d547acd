import { AGENT_PATH, AGENT_STATE_PATH, type BackendEvent } from "@podkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DockerBackend, probe } from "../src/index.js";
import { clear, docker, errorOf, IMAGE, names, scriptAgent, specOf, until } from "./support/engine.js";

const PREFIX = "pt-life";
const agent = scriptAgent("0.0.1-life");
const backend = new DockerBackend({ agentVolumePrefix: `${PREFIX}-agent` });

beforeAll(async () => {
  await clear(PREFIX);
  await backend.connect();
});
afterAll(async () => {
  await clear(PREFIX);
  await backend.close();
});

describe("connect", () => {
  it("tells what answered, and the same again without asking", async () => {
    const version = await docker.version();
    const info = await backend.connect();
    expect(info).toMatchObject({
      name: "docker",
      version: version.Version,
      platform: `linux/${version.Arch}`,
      local: true,
    });
    expect(await backend.connect()).toBe(info);
    expect(backend.capabilities).toMatchObject({ images: true, memoryLimit: true, pidsLimit: true, cpuLimit: true });
    expect(backend.capabilities.runtimes).toContain("runc");
  });

  it("refuses capabilities before it, and everything after close", async () => {
    const other = new DockerBackend();
    expect(() => other.capabilities).toThrowError(/connect/);
    await other.close();
    await other.close();
    expect((await errorOf(other.inspect("pt-life-none"))).code).toBe("invalid_state");
  });

  it("names the place that does not answer", async () => {
    const error = await errorOf(new DockerBackend({ socketPath: "/nonexistent/docker.sock" }).connect());
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    expect(error.message).toBe(
      "Docker does not answer at unix:///nonexistent/docker.sock (ENOENT). Start it, or set DOCKER_HOST; `podkit doctor` shows what was tried.",
    );
  });

  it("row 51: probe tells what was tried and what answered", async () => {
    const tried = await probe({ env: { HOME: "/nonexistent" } });
    expect(tried[0]).toMatchObject({ source: "socket", endpoint: "unix:///var/run/docker.sock", ok: true });
    expect(tried.find((one) => one.endpoint.includes("/nonexistent/.docker/run"))).toMatchObject({
      ok: false,
      error: "ENOENT",
    });
  });
});

describe("a container's life", () => {
  it("goes from created to removed, each step twice", async () => {
    const name = `${PREFIX}-steps`;
    const created = await backend.create(specOf(name, { environment: { GREETING: "hello" } }), agent);
    expect(created).toMatchObject({
      name,
      state: "created",
      image: IMAGE,
      startedAt: null,
      finishedAt: null,
      exitCode: null,
    });
    for (let turn = 0; turn < 2; turn += 1) await backend.start(name);
    const running = await backend.inspect(name);
    expect(running).toMatchObject({ id: created.id, state: "running", exitCode: null, finishedAt: null });
    expect(Math.abs((running.startedAt ?? 0) - Date.now())).toBeLessThan(60_000);
    for (let turn = 0; turn < 2; turn += 1) await backend.pause(name);
    expect((await backend.inspect(name)).state).toBe("paused");
    for (let turn = 0; turn < 2; turn += 1) await backend.unpause(name);
    expect((await backend.stats(name)).pids).toBeGreaterThan(0);
    for (let turn = 0; turn < 2; turn += 1) await backend.stop(name, { graceMs: 0 });
    const stopped = await backend.inspect(name);
    expect(stopped).toMatchObject({ state: "stopped", exitCode: 137 });
    expect(stopped.finishedAt).not.toBeNull();
    expect((await errorOf(backend.stats(name))).code).toBe("invalid_state");
    await backend.start(name);
    for (let turn = 0; turn < 2; turn += 1) await backend.kill(name);
    for (let turn = 0; turn < 2; turn += 1) await backend.remove(name);
    expect((await errorOf(backend.inspect(name))).code).toBe("not_found");
  });

  it("has the agent read-only and a state volume of its own, which goes with it", async () => {
    const name = `${PREFIX}-volumes`;
    await backend.create(specOf(name), agent);
    const { Mounts } = await docker.getContainer(name).inspect();
    const state = Mounts.find((mount) => mount.Destination === AGENT_STATE_PATH);
    expect(Mounts.find((mount) => AGENT_PATH.startsWith(mount.Destination))).toMatchObject({ RW: false });
    expect(state).toMatchObject({ RW: true });
    await backend.remove(name);
    await expect(docker.getVolume(state?.Name ?? "").inspect()).rejects.toThrow(/no such volume/i);
  });

  it("is found by all of its labels", async () => {
    const name = `${PREFIX}-labels`;
    await backend.create(specOf(name, { labels: { "pt-life": "a=b", empty: "" } }), agent);
    expect((await backend.list({ "pt-life": "a=b", empty: "" })).map((found) => found.name)).toEqual([name]);
    expect(await backend.list({ "pt-life": "a=b", empty: "x" })).toEqual([]);
    await backend.remove(name);
  });

  it("is stopped, killed and removed while it is paused", async () => {
    const name = `${PREFIX}-paused`;
    await backend.create(specOf(name), agent);
    for (const end of [() => backend.stop(name, { graceMs: 0 }), () => backend.kill(name)]) {
      await backend.start(name);
      await backend.pause(name);
      await end();
      await until("its end", async () => (await backend.inspect(name)).state === "stopped");
    }
    await backend.start(name);
    await backend.pause(name);
    await backend.remove(name);
    expect(await names(name)).toEqual([]);
  });

  it("removes itself with its volumes where that was asked for", async () => {
    const name = `${PREFIX}-auto`;
    await backend.create(specOf(name, { autoRemove: true }), agent);
    const { Mounts } = await docker.getContainer(name).inspect();
    await backend.start(name);
    await backend.stop(name, { graceMs: 0 });
    await until("its removal", async () => (await names(name)).length === 0);
    const state = Mounts.find((mount) => mount.Destination === AGENT_STATE_PATH)?.Name ?? "";
    await expect(docker.getVolume(state).inspect()).rejects.toThrow(/no such volume/i);
  });

  it("is removed by two at once", async () => {
    const name = `${PREFIX}-twice`;
    await backend.create(specOf(name), agent);
    await backend.start(name);
    await Promise.all([backend.remove(name), backend.remove(name), backend.remove(name)]);
    expect(await names(name)).toEqual([]);
  });

  it("is already_exists where the name is taken, and the other stays", async () => {
    const name = `${PREFIX}-taken`;
    const first = await backend.create(specOf(name), agent);
    expect((await errorOf(backend.create(specOf(name), agent))).code).toBe("already_exists");
    expect((await backend.inspect(name)).id).toBe(first.id);
    await backend.remove(name);
  });

  it("tells its events in order until the iteration ends", async () => {
    const name = `${PREFIX}-events`;
    const controller = new AbortController();
    const seen: BackendEvent[] = [];
    const following = (async () => {
      for await (const event of backend.events({ "dev.podkit.test": name }, { signal: controller.signal }))
        seen.push(event);
    })();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await backend.create(specOf(name), agent);
    await backend.start(name);
    await backend.pause(name);
    await backend.unpause(name);
    await backend.kill(name);
    await backend.remove(name);
    await until("the last event", () => seen.some((event) => event.type === "removed"));
    expect(seen.map((event) => event.type)).toEqual(["created", "started", "paused", "unpaused", "stopped", "removed"]);
    expect(seen.find((event) => event.type === "stopped")).toMatchObject({ name, exitCode: 137 });
    controller.abort();
    expect((await errorOf(following)).code).toBe("aborted");
  });
});

describe("logs", () => {
  const say = (script: string) => ({ argv: [AGENT_PATH, "sh", "-c", script] });

  it("come apart, whole and as bytes, with a tail", async () => {
    const name = `${PREFIX}-logs`;
    await backend.create(specOf(name, say("printf 'ä%.0s' $(seq 20000); echo; echo last; echo oops >&2")), agent);
    await backend.start(name);
    await until("its end", async () => (await backend.inspect(name)).state === "stopped");
    const out: Record<string, Uint8Array[]> = { stdout: [], stderr: [] };
    for await (const chunk of backend.logs(name)) out[chunk.stream]?.push(chunk.data);
    expect(Buffer.concat(out["stdout"] ?? []).toString()).toBe(`${"ä".repeat(20_000)}\nlast\n`);
    expect(Buffer.concat(out["stderr"] ?? []).toString()).toBe("oops\n");
    const tail: string[] = [];
    for await (const chunk of backend.logs(name, { tail: 1 })) tail.push(Buffer.from(chunk.data).toString());
    expect(tail).toHaveLength(1);
    await backend.remove(name);
  });

  it("are followed until the container ends, also with a TTY", async () => {
    const name = `${PREFIX}-follow`;
    await backend.create(specOf(name, { ...say("echo one; sleep 0.5; echo two"), tty: true }), agent);
    await backend.start(name);
    let all = "";
    for await (const chunk of backend.logs(name, { follow: true })) all += Buffer.from(chunk.data).toString();
    expect(all).toBe("one\r\ntwo\r\n");
    await backend.remove(name);
  });

  it("are let go of by an abort", async () => {
    const name = `${PREFIX}-letgo`;
    await backend.create(specOf(name), agent);
    await backend.start(name);
    const read = async (): Promise<void> => {
      for await (const _ of backend.logs(name, { follow: true, signal: AbortSignal.timeout(200) }));
    };
    expect((await errorOf(read())).code).toBe("aborted");
    await backend.remove(name);
  });
});
