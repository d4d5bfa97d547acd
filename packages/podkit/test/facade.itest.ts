import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ContainerManager,
  createPodkit,
  DockerBackend,
  getDockerSession,
  getWorkspacePath,
  type PodkitEvent,
  podkit,
  runInDocker,
  SessionManager,
} from "../src/index.js";
import { program } from "./support/program.js";

const prefix = "pt-facade";
const image = "podkit-test/busybox:1";
let base = "";

async function left(): Promise<string[]> {
  return (await podkit.list({ prefix })).map(({ userId, sessionId }) => `${userId}/${sessionId}`);
}

async function clear(): Promise<void> {
  for (const { userId, sessionId } of await podkit.list({ prefix })) {
    await (await podkit.instance().findSession({ userId, sessionId, prefix })).close();
  }
}

/** Looks again until it holds, or 20 s are over. */
async function eventually<T>(look: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const value = await look();
    if (holds(value) || Date.now() > deadline) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "pt-facade-"));
  await clear();
});

afterAll(async () => {
  await clear();
  await podkit.shutdown();
  await rm(base, { recursive: true, force: true });
});

describe("getDockerSession", () => {
  it("12 await using removes at the end of the block, also when it throws, and keeps its error", async () => {
    const block = async () => {
      await using session = await getDockerSession({ userId: "bob", sessionId: "block", prefix, config: { image } });
      expect((await session.executeCommand("pwd")).stdout).toBe("/workspace\n");
      expect(await left()).toEqual(["bob/block"]);
      throw new Error("the block's own");
    };
    await expect(block()).rejects.toThrow("the block's own");
    expect(await left()).toEqual([]);
  });

  it("a program with an open session ends by itself, and another one continues it", async () => {
    const request = `{ userId: "bob", sessionId: "open", prefix: "${prefix}", config: { image: "${image}" } }`;
    const first = await program(`
      import { getDockerSession } from "podkit";
      const session = await getDockerSession(${request});
      await session.writeFile("kept", "from the first");
      console.log(process.pid);
    `);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const second = await program(`
      import { getDockerSession, podkit } from "podkit";
      podkit.on("session.created", ({ reconnected }) => console.log("reconnected", reconnected));
      const session = await getDockerSession(${request});
      console.log(await session.files.read("kept"));
      await session.close();
    `);
    expect(second).toMatchObject({ code: 0, stdout: "reconnected true\nfrom the first\n", stderr: "" });
  });

  it("29 events come in order, with ids", async () => {
    const seen: PodkitEvent[] = [];
    const done = podkit.on("*", (event) => seen.push(event));
    try {
      const session = await getDockerSession({ userId: "bob", sessionId: "events", prefix, config: { image } });
      await (await session.spawn(["false"])).wait();
      await session.close();
      const bad = getDockerSession({
        userId: "bob",
        sessionId: "bad",
        prefix,
        config: { image: "pt-missing:1", pullPolicy: "never" },
      });
      await expect(bad).rejects.toThrow("pt-missing:1");
    } finally {
      done();
    }
    const types = seen.filter(({ type }) => !type.startsWith("image.")).map(({ type }) => type);
    expect(types).toEqual([
      "container.creating",
      "container.created",
      "container.started",
      "session.created",
      "process.started",
      "process.failed",
      "session.closing",
      "container.removed",
      "session.closed",
      ...types.slice(9),
    ]);
    expect(types.slice(9)).toContain("container.creationFailed");
    expect(types.at(-1)).toBe("session.creationFailed");
    expect(seen.every(({ userId, sessionId }) => userId === "bob" && sessionId !== undefined)).toBe(true);
  });

  it("7 11 the workspace stands on the host, also after close, and links in it lead nowhere", async () => {
    const request = { userId: "bob", sessionId: "ws", prefix, workspace: base, config: { image } };
    const session = await getDockerSession(request);
    await session.writeFile("/workspace/output.txt", "results");
    await session.executeCommand("ln -s /etc/hostname leak && ln -s /etc folder");
    const out = join(base, "download");
    await expect(session.files.download("/workspace", out)).rejects.toMatchObject({ code: "permission_denied" });
    expect((await readdir(base)).sort()).toEqual(["workspaces"]);
    await session.executeCommand("rm leak folder && ln -s output.txt inside");
    await session.files.download("/workspace", out);
    expect(await readFile(join(out, "inside"), "utf8")).toBe("results");
    await session.close();
    const host = getWorkspacePath(base, "bob", "ws");
    expect(await readFile(join(host, "output.txt"), "utf8")).toBe("results");
    await expect(session.executeCommand("true")).rejects.toMatchObject({ code: "invalid_state" });
  });

  it("ports: waits for what listens, and gives its address", async () => {
    await using session = await getDockerSession({
      userId: "bob",
      sessionId: "ports",
      prefix,
      config: { image, ports: [{ container: 8080, host: 0 }] },
    });
    await expect(session.ports.waitFor(8080, { timeoutMs: 200 })).rejects.toMatchObject({ code: "timeout" });
    await session.writeFile("/srv/index.html", "hello");
    await using server = await session.spawn(["httpd", "-f", "-p", "8080", "-h", "/srv"]);
    await session.ports.waitFor(8080);
    const listening = await session.ports.list();
    expect(listening).toMatchObject([{ port: 8080, pid: server.pid }]);
    expect(await (await fetch(await session.ports.url(8080))).text()).toBe("hello");
    await expect(session.ports.url(81)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("runInDocker", () => {
  const options = { image, prefix, network: "none" } as const;

  it("27 files in, one command, everything removed afterwards", async () => {
    const result = await runInDocker("cat sub/in && pwd && id -u", {
      ...options,
      files: { "sub/in": "input\n", "/tmp/bytes": Uint8Array.of(1, 2) },
      stdin: "unused",
    });
    expect(result).toMatchObject({ exitCode: 0, stdout: "input\n/workspace\n0\n", timedOut: false });
    expect(await left()).toEqual([]);
  });

  it("27 a timeout ends it, an error and an abort leave nothing either", async () => {
    const late = await runInDocker("echo first; sleep 60", { ...options, timeoutMs: 300 });
    expect(late).toMatchObject({ stdout: "first\n", timedOut: true });
    await expect(runInDocker("exit 3", { ...options, check: true })).rejects.toMatchObject({ result: { exitCode: 3 } });
    const controller = new AbortController();
    const running = runInDocker("echo started; sleep 60", {
      ...options,
      signal: controller.signal,
      onStdout: () => controller.abort(),
    });
    await expect(running).rejects.toMatchObject({ code: "aborted" });
    expect(await left()).toEqual([]);
  });

  it("27 Ctrl-C removes everything, and ends the program by its signal", async () => {
    const ended = await program(
      `
      import { runInDocker } from "podkit";
      await runInDocker("echo started; sleep 60", {
        image: "${image}", prefix: "${prefix}", onStdout: (chunk) => console.log(Buffer.from(chunk).toString()),
      });
    `,
      { output: "started", send: "SIGINT" },
    );
    expect(ended).toMatchObject({ code: null, signal: "SIGINT" });
    expect(await left()).toEqual([]);
  });

  it("49 what a killed program leaves goes by itself, once it rests", async () => {
    const ended = await program(
      `
      import { runInDocker } from "podkit";
      await runInDocker("echo started; sleep 1", {
        image: "${image}", prefix: "${prefix}", containerLifetimeMs: 1000, onStdout: (chunk) => console.log(Buffer.from(chunk).toString()),
      });
    `,
      { output: "started", send: "SIGKILL" },
    );
    expect(ended.signal).toBe("SIGKILL");
    expect(await eventually(left, (sessions) => sessions.length === 0)).toEqual([]);
  });
});

describe("the layers in one's own hands", () => {
  it("example 6, without its monitor", async () => {
    const backend = new DockerBackend();
    await backend.connect();
    const manager = new ContainerManager({
      backend,
      prefix,
      workspace: base,
      mounts: ({ workspace, userId, sessionId }) => [
        { type: "bind", source: getWorkspacePath(workspace, userId, sessionId), target: "/workspace" },
      ],
    });
    const sessions = new SessionManager({ runtime: manager, defaultImage: image });
    const id = { userId: "user", sessionId: "session" };
    await sessions.createSession({ ...id, config: { containerLifetimeMs: 300_000, environment: { A: "1" } } });
    const result = await sessions.executeCommand(id, ["sh", "-c", "echo Hello $A"]);
    expect(result.stdout).toBe("Hello 1\n");
    await sessions.writeFile(id, "/workspace/file.txt", "Hello from podkit");
    expect(await readFile(join(getWorkspacePath(base, "user", "session"), "file.txt"), "utf8")).toBe(
      "Hello from podkit",
    );
    await sessions.closeSession(id);
    expect(await left()).toEqual([]);
    await sessions.shutdown();
  });

  it("createPodkit's hook changes the configuration, and instances are apart", async () => {
    await using own = createPodkit({
      prefix,
      defaultImage: image,
      beforeCreate: (config, { sessionId }) => ({ ...config, environment: { SESSION: sessionId } }),
    });
    await using session = await own.getSession({ userId: "bob", sessionId: "hook" });
    expect((await session.executeCommand("echo $SESSION")).stdout).toBe("hook\n");
    expect((await session.info()).image).toBe(image);
    await writeFile(join(base, "local"), "up");
    await session.files.upload(join(base, "local"), "deep/er/remote");
    expect(await session.files.read("deep/er/remote")).toBe("up");
  });
});
