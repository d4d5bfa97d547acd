import { type ChildProcess, spawn } from "node:child_process";
import { AGENT_PATH } from "@podkit/core";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { DockerBackend } from "../src/index.js";
import { clear, docker, IMAGE, names, scriptAgent, specOf, until } from "./support/engine.js";

const PREFIX = "pt-vol";
const AGENTS = `${PREFIX}-agent`;
const VERSION = "0.0.1-vol";
const agent = scriptAgent(VERSION);
const FILLER = `${AGENTS}-fill-${(await agent.sha256("linux/amd64")).slice(0, 12)}-amd64`;

beforeEach(() => clear(PREFIX));
afterAll(() => clear(PREFIX));

function program(name: string): { child: ChildProcess; end: Promise<string> } {
  const script = new URL("./support/create-one.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["--import", "tsx", script, AGENTS, VERSION, name], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: new URL("..", import.meta.url).pathname,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (said += String(chunk)));
  return { child, end: new Promise((resolve) => child.once("close", () => resolve(said))) };
}

describe("the agent's volume", () => {
  it("is filled once for 20 programs that make the first container at the same time", {
    timeout: 180_000,
  }, async () => {
    const programs = Array.from({ length: 20 }, (_, index) => program(`${PREFIX}-many${index}`));
    const ends = await Promise.all(programs.map(({ end }) => end));
    expect(ends).toEqual(Array.from({ length: 20 }, () => "running\n"));
    expect(await names(FILLER)).toEqual([]);
    const { Volumes } = await docker.listVolumes({ filters: { name: [AGENTS] } });
    expect(Volumes).toHaveLength(2);
  });

  it("is filled once for callers at once in one program", async () => {
    let read = 0;
    const binary = (platform: string): Promise<Uint8Array> => {
      read += 1;
      return agent.binary(platform);
    };
    const counting = { ...agent, binary };
    const backend = new DockerBackend({ agentVolumePrefix: AGENTS });
    const made = Array.from({ length: 5 }, (_, index) => backend.create(specOf(`${PREFIX}-once${index}`), counting));
    expect((await Promise.all(made)).map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => "created"));
    expect(read).toBe(1);
    await backend.close();
  });

  it("is filled by the next program where the first was killed while it filled", { timeout: 120_000 }, async () => {
    const first = program(`${PREFIX}-killed`);
    await until("the filler", async () => (await names(FILLER)).length > 0, 60_000);
    first.child.kill("SIGKILL");
    await first.end;
    const backend = new DockerBackend({ agentVolumePrefix: AGENTS });
    await backend.create(specOf(`${PREFIX}-next`), agent);
    await backend.start(`${PREFIX}-next`);
    expect((await backend.inspect(`${PREFIX}-next`)).state).toBe("running");
    expect(await names(FILLER)).toEqual([]);
    await backend.close();
  });

  it("takes a filler over that never ends", { timeout: 60_000 }, async () => {
    await docker.createContainer({ name: FILLER, Image: IMAGE, Cmd: ["x"] });
    const backend = new DockerBackend({ agentVolumePrefix: AGENTS });
    await backend.create(specOf(`${PREFIX}-stale`), agent);
    await backend.start(`${PREFIX}-stale`);
    expect(await names(FILLER)).toEqual([]);
    await backend.close();
  });

  it("is filled again at a start where somebody emptied it, and running containers go on", async () => {
    const backend = new DockerBackend({ agentVolumePrefix: AGENTS });
    const first = `${PREFIX}-empty1`;
    await backend.create(specOf(first), agent);
    await backend.start(first);
    await empty();
    const second = `${PREFIX}-empty2`;
    await backend.create(specOf(second), agent);
    await backend.start(second);
    expect((await backend.inspect(second)).state).toBe("running");
    await backend.stop(first, { graceMs: 0 });
    await empty();
    const later = new DockerBackend({ agentVolumePrefix: AGENTS });
    await expect(later.start(first)).rejects.toMatchObject({ message: expect.stringContaining(AGENT_PATH) });
    await later.start(first, { agent });
    expect((await later.inspect(first)).state).toBe("running");
    await Promise.all([backend.close(), later.close()]);
  });

  it("is removed by prune where nothing uses it, and only then", async () => {
    const backend = new DockerBackend({ agentVolumePrefix: AGENTS });
    const name = `${PREFIX}-prune`;
    await backend.create(specOf(name), agent);
    expect(await backend.pruneAgentVolumes()).toEqual([]);
    await backend.remove(name);
    expect(await backend.pruneAgentVolumes()).toEqual([expect.stringContaining(`${AGENTS}-${VERSION}-`)]);
    expect((await docker.listVolumes({ filters: { name: [AGENTS] } })).Volumes).toEqual([]);
    await backend.create(specOf(name), agent);
    await backend.start(name);
    expect((await backend.inspect(name)).state).toBe("running");
    await backend.close();
  });

  it("of another prefix is left alone by prune", async () => {
    const backend = new DockerBackend({ agentVolumePrefix: AGENTS });
    await backend.create(specOf(`${PREFIX}-other`), agent);
    await backend.remove(`${PREFIX}-other`);
    expect(await new DockerBackend({ agentVolumePrefix: `${AGENTS}x` }).pruneAgentVolumes()).toEqual([]);
    expect((await docker.listVolumes({ filters: { name: [AGENTS] } })).Volumes).toHaveLength(2);
    await backend.close();
  });
});

/** Removes all files of the agent's volume, as somebody might. */
async function empty(): Promise<void> {
  const { Volumes } = await docker.listVolumes({ filters: { name: [AGENTS] } });
  const volume = Volumes.find(({ Name }) => !Name.endsWith(".filled"))?.Name ?? "";
  const container = await docker.createContainer({
    name: `${PREFIX}-emptier`,
    Image: IMAGE,
    Cmd: ["sh", "-c", "rm -rf /v/* /v/.[a-z]*"],
    HostConfig: { Binds: [`${volume}:/v`] },
  });
  await container.start();
  await container.wait();
  await container.remove();
}
