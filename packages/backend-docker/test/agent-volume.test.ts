import type { Clock } from "@podkit/core";
import { extract } from "tar-stream";
import { describe, expect, it } from "vitest";
import { agentArchive } from "../src/agent/archive.js";
import { AgentVolumes } from "../src/agent/volume.js";
import { DockerApi } from "../src/api.js";
import { record, text } from "../src/parse.js";
import { type Answer, fakeClient } from "./support/fake-client.js";
import { IMAGE, scriptAgent } from "./support/spec.js";

const agent = scriptAgent("1.2.3+x", 100);
const request = { agent, image: IMAGE, platform: "linux/amd64", clockAheadMs: 0 };

/** Time that passes whenever somebody waits. */
function fastClock(): Clock & { time: number } {
  const clock = {
    time: 1_000_000,
    now: () => clock.time,
    after(ms: number, run: () => void) {
      const timer = setImmediate(() => {
        clock.time += ms;
        run();
      });
      return { cancel: () => clearImmediate(timer) };
    },
  };
  return clock;
}

/** An engine with volumes and fillers. */
function engine(clock: Clock, hole: (method: string, path: string) => Answer | null = () => null) {
  const volumes = new Set<string>();
  const fillers = new Map<string, { id: string; createdAt: number }>();
  let puts = 0;
  const client = fakeClient((method, path, options) => {
    const made = hole(method, path);
    if (made !== null) return made;
    const [, kind, id = ""] = path.split("/");
    if (path === "/containers/create") {
      const name = text(options.options?._query["name"]);
      if (fillers.has(name)) return { status: 409, message: "The name is already in use by container x" };
      fillers.set(name, { id: `id-${name}-${puts}`, createdAt: clock.now() });
      const mounts = record(record(options.options?._body)["HostConfig"])["Mounts"];
      volumes.add(text(record(Array.isArray(mounts) ? mounts[0] : undefined)["Source"]));
      return { json: { Id: fillers.get(name)?.id } };
    }
    if (path === "/volumes/create") {
      volumes.add(text(record(options.options?._body)["Name"]));
      return { json: {} };
    }
    if (kind === "volumes") return volumes.has(id) ? { json: {} } : { status: 404, message: "no such volume" };
    const found = [...fillers].find(([name, filler]) => name === id || filler.id === id);
    if (found === undefined) return { status: 404, message: "No such container" };
    if (method === "DELETE") fillers.delete(found[0]);
    if (method === "PUT") puts += 1;
    return { json: { Id: found[1].id, Created: new Date(found[1].createdAt).toISOString() } };
  });
  return { client, volumes, fillers, puts: () => puts, api: new DockerApi(client, "fake") };
}

describe("the agent's volume", () => {
  it("is named by version, content and platform", async () => {
    const names = await new AgentVolumes({ prefix: "p", clock: fastClock() }).names(request);
    const sha = (await agent.sha256("")).slice(0, 12);
    expect(names).toEqual({
      volume: `p-1.2.3-x-${sha}-amd64`,
      filled: `p-1.2.3-x-${sha}-amd64.filled`,
      filler: `p-fill-${sha}-amd64`,
    });
  });

  it("is filled once, then only remembered", async () => {
    const clock = fastClock();
    const { api, client, puts, fillers, volumes } = engine(clock);
    const agents = new AgentVolumes({ prefix: "p", clock });
    const [first, second] = await Promise.all([agents.ensure(api, request), agents.ensure(api, request)]);
    expect(first).toBe(second);
    expect([puts(), fillers.size, [...volumes].sort()]).toEqual([1, 0, [first, `${first}.filled`]]);
    const asked = client.asked.length;
    await agents.ensure(api, request);
    expect(client.asked.length).toBe(asked);
    await new AgentVolumes({ prefix: "p", clock }).ensure(api, request);
    expect(client.asked.slice(asked)).toEqual([`GET /volumes/${first}`, `GET /volumes/${first}.filled`]);
  });

  it("is marked only after its filler is gone", async () => {
    const clock = fastClock();
    const { api, client } = engine(clock);
    await new AgentVolumes({ prefix: "p", clock }).ensure(api, request);
    const steps = client.asked
      .filter((step) => !step.startsWith("GET"))
      .map((step) => step.replace(/p-fill.*?(?=\/|$)/, ""));
    expect(steps).toEqual([
      "POST /containers/create",
      "PUT /containers/id-/archive",
      "DELETE /containers/id-",
      "POST /volumes/create",
    ]);
  });

  it("is waited for while another fills it", async () => {
    const clock = fastClock();
    const { api, fillers, volumes, puts } = engine(clock);
    const agents = new AgentVolumes({ prefix: "p", clock });
    const names = await agents.names(request);
    fillers.set(names.filler, { id: "theirs", createdAt: clock.now() });
    clock.after(500, () => {
      for (const name of [names.volume, names.filled]) volumes.add(name);
      fillers.clear();
    });
    await agents.ensure(api, request);
    expect(puts()).toBe(0);
  });

  it.each([
    ["old by the engine's clock", 61_000, 1_000],
    ["not ended in a while", 0, 10_000],
  ])("is taken over where the other's filler is %s", async (_, age, within) => {
    const clock = fastClock();
    const { api, fillers, puts } = engine(clock);
    const agents = new AgentVolumes({ prefix: "p", clock });
    const begun = clock.now();
    fillers.set((await agents.names(request)).filler, { id: "theirs", createdAt: begun - age });
    await agents.ensure(api, request);
    expect(puts()).toBe(1);
    expect(clock.now() - begun).toBeLessThan(within);
  });

  it("is filled by a second try where another took over, and not for ever", async () => {
    const clock = fastClock();
    let cuts = 1;
    const taken = engine(clock, (method) =>
      method === "PUT" && cuts-- > 0 ? { status: 404, message: "No such container" } : null,
    );
    await new AgentVolumes({ prefix: "p", clock }).ensure(taken.api, request);
    expect(taken.puts()).toBe(1);
    const never = engine(clock, (method) => (method === "PUT" ? { status: 404, message: "No such container" } : null));
    await expect(new AgentVolumes({ prefix: "p", clock }).ensure(never.api, request)).rejects.toMatchObject({
      code: "not_found",
    });
    expect(never.fillers.size).toBe(0);
  });

  it("leaves no filler where filling fails, and the next call begins anew", async () => {
    const clock = fastClock();
    let full = true;
    const { api, fillers, puts } = engine(clock, (method) =>
      method === "PUT" && full ? { status: 500, message: "no space left on device" } : null,
    );
    const agents = new AgentVolumes({ prefix: "p", clock });
    await expect(agents.ensure(api, request)).rejects.toMatchObject({ code: "resource_exhausted" });
    expect(fillers.size).toBe(0);
    full = false;
    await agents.ensure(api, request);
    expect(puts()).toBe(1);
  });
});

describe("the agent's archive", () => {
  it("holds the binary under two names, and its hash last", async () => {
    const binary = Buffer.from("binary");
    const unpacked = extract();
    unpacked.end(await agentArchive(binary, "0123456789abcdef"));
    const entries: unknown[] = [];
    for await (const entry of unpacked) {
      let content = "";
      for await (const chunk of entry) content += String(chunk);
      const { name, type, mode, linkname } = entry.header;
      entries.push({ name, type, mode, content, ...(type === "link" ? { linkname } : {}) });
    }
    expect(entries).toEqual([
      { name: ".podkit-agent-0123456789ab", type: "file", mode: 0o755, content: "binary" },
      { name: "podkit-agent", type: "link", mode: 0o755, content: "", linkname: ".podkit-agent-0123456789ab" },
      { name: ".sha256", type: "file", mode: 0o444, content: "0123456789abcdef\n" },
    ]);
  });
});
