import { Readable } from "node:stream";
import Docker from "dockerode";
import { describe, expect, it } from "vitest";
import { DockerBackend, type DockerClient } from "../src/index.js";
import { record, text } from "../src/parse.js";
import { type Answer, fakeClient } from "./support/fake-client.js";
import { scriptAgent, specOf } from "./support/spec.js";

const INFO = {
  ServerVersion: "20.10",
  OSType: "linux",
  Architecture: "x86_64",
  MemoryLimit: true,
  PidsLimit: true,
  CpuCfsQuota: true,
  Runtimes: { runc: {} },
};

/** An engine that keeps containers by name, with a hole where the test wants one. */
function engine(hole: (method: string, path: string) => Answer | undefined | null = () => null) {
  const containers = new Map<string, Readonly<Record<string, unknown>>>();
  const client = fakeClient((method, path, options) => {
    const body = record(options.options?._body);
    const name = text(options.options?._query["name"]);
    if (path === "/containers/create" && containers.has(name))
      return { status: 409, message: `The container name "/${name}" is already in use by container "x".` };
    if (path === "/containers/create") containers.set(name, body);
    const made = hole(method, path);
    if (made !== null) return made;
    if (path === "/info") return { json: INFO };
    if (path === "/containers/create") return { json: { Id: name } };
    const id = path.split("/")[2] ?? "";
    if (path.startsWith("/containers/")) {
      const found = containers.get(id);
      if (found === undefined) return { status: 404, message: `No such container: ${id}` };
      if (method === "DELETE") containers.delete(id);
      return {
        json: {
          Id: id,
          Name: `/${id}`,
          State: { Status: "created" },
          Config: { Labels: found["Labels"] },
          HostConfig: found["HostConfig"],
        },
      };
    }
    if (path.startsWith("/networks/none")) return { status: 404, message: "network none not found" };
    return { json: {} };
  });
  return { client, containers };
}
const backendOf = (client: DockerClient): DockerBackend => new DockerBackend({ client });
const agent = scriptAgent("1", 10);

describe("the Docker backend", () => {
  it("takes a dockerode client as it is", () => {
    const client: DockerClient = new Docker({ socketPath: "/nonexistent" });
    expect(() => new DockerBackend({ client })).not.toThrow();
  });

  it("asks the engine once, however many connect", async () => {
    const { client } = engine();
    const backend = backendOf(client);
    const [first, second] = await Promise.all([backend.connect(), backend.connect()]);
    expect(first).toBe(second);
    expect(first).toMatchObject({ version: "20.10", platform: "linux/amd64", local: true });
    expect(client.asked).toEqual(["GET /info"]);
  });

  it("tries again where connecting failed", async () => {
    let down = true;
    const { client } = engine((_, path) =>
      path === "/info" && down ? { error: Object.assign(new Error("x"), { code: "ECONNREFUSED" }) } : null,
    );
    const backend = backendOf(client);
    await expect(backend.connect()).rejects.toMatchObject({ code: "unavailable", retryable: true });
    down = false;
    await expect(backend.connect()).resolves.toMatchObject({ name: "docker" });
  });

  it("gives up at the caller's deadline and abort", async () => {
    const { client } = engine(() => undefined);
    const backend = backendOf(client);
    await expect(backend.inspect("c", { timeoutMs: 5 })).rejects.toMatchObject({
      code: "timeout",
      details: { timeoutMs: 5 },
    });
    await expect(backend.inspect("c", { signal: AbortSignal.timeout(5) })).rejects.toMatchObject({ code: "aborted" });
    expect(client.asked).toHaveLength(2);
  });

  it("takes an answer that is cut for an engine that went away", async () => {
    const cut = new Readable({
      read() {
        this.destroy(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
      },
    });
    const { client } = engine(() => ({ stream: cut }));
    const asked = backendOf(client).inspect("c");
    await expect(asked).rejects.toMatchObject({ code: "unavailable" });
  });

  it("refuses a client that does not hand its connection over", async () => {
    const { client } = engine((method, path) =>
      path.endsWith("/exec") ? { json: { Id: "e" } } : method === "POST" ? { json: {} } : null,
    );
    await expect(backendOf(client).openStream("c", ["x"])).rejects.toMatchObject({ code: "unsupported" });
  });
});

describe("a creation", () => {
  it("makes one container and leaves one", async () => {
    const { client, containers } = engine();
    await expect(backendOf(client).create(specOf("c"), agent)).resolves.toMatchObject({ name: "c", state: "created" });
    expect([...containers.keys()]).toEqual(["c"]);
  });

  it("removes what it made where the answer was lost", async () => {
    let created = 0;
    const { client, containers } = engine((_, path) => {
      if (path !== "/containers/create") return null;
      created += 1;
      return created === 1 ? { error: Object.assign(new Error("socket hang up"), { code: "ECONNRESET" }) } : null;
    });
    await expect(backendOf(client).create(specOf("c"), agent)).rejects.toMatchObject({ code: "unavailable" });
    expect([...containers.keys()]).toEqual([]);
  });

  it.each([
    [400, "Range of CPUs is from 0.01 to 2.00", "invalid_argument", { kind: "container", name: "c" }],
    [404, "No such image: none:1", "not_found", { kind: "image", name: specOf("c").image }],
  ])("names what a refusal with %i is about", async (status, message, code, details) => {
    const { client } = engine((_, path) => (path === "/containers/create" ? { status, message } : null));
    await expect(backendOf(client).create(specOf("c"), agent)).rejects.toMatchObject({ code, details });
  });

  it("leaves another's container of that name alone", async () => {
    const { client, containers } = engine();
    containers.set("c", { Labels: { "dev.podkit.nonce": "theirs" } });
    await expect(backendOf(client).create(specOf("c"), agent)).rejects.toMatchObject({ code: "already_exists" });
    expect([...containers.keys()]).toEqual(["c"]);
  });

  it("removes it where a limit is not kept", async () => {
    const { client, containers } = engine((method, path) =>
      method === "GET" && path === "/containers/c/json"
        ? { json: { Id: "c", Config: { Labels: containers.get("c")?.["Labels"] }, HostConfig: { Memory: 0 } } }
        : null,
    );
    await expect(backendOf(client).create(specOf("c", { limits: { memoryBytes: 4096 } }), agent)).rejects.toMatchObject(
      { code: "unsupported", details: { asked: 4096, kept: 0 } },
    );
    expect([...containers.keys()]).toEqual([]);
  });

  it("makes nothing for what the engine lacks, or a network that is missing", async () => {
    const { client, containers } = engine();
    await expect(backendOf(client).create(specOf("c", { runtime: "runsc" }), agent)).rejects.toMatchObject({
      code: "unsupported",
    });
    expect(client.asked).toEqual(["GET /info"]);
    await expect(backendOf(client).create(specOf("c", { networks: ["none"] }), agent)).rejects.toMatchObject({
      code: "not_found",
      details: { name: "none" },
    });
    expect(containers.has("c")).toBe(false);
  });
});

describe("a container that somebody removes", () => {
  const states = (last: Answer): DockerClient & { readonly asked: string[] } => {
    const seen: Answer[] = [
      { json: { Id: "c", State: { Status: "exited" } } },
      { json: { Id: "c", State: { Status: "removing" } } },
    ];
    return engine((method, path) => {
      if (path === "/containers/c/start")
        return { status: 409, message: "container is marked for removal and cannot be started" };
      return method === "GET" && path === "/containers/c/json" ? (seen.shift() ?? last) : null;
    }).client;
  };
  const gone = { status: 404, message: "No such container: c" };

  it("row 20: is gone once a start settles", async () => {
    const client = states(gone);
    await expect(backendOf(client).start("c")).rejects.toMatchObject({ code: "not_found" });
    expect(client.asked.filter((asked) => asked === "GET /containers/c/json")).toHaveLength(3);
  });

  it("says so where its removal failed half-way", async () => {
    const client = states({ json: { Id: "c", State: { Status: "dead" } } });
    await expect(backendOf(client).start("c")).rejects.toMatchObject({
      code: "invalid_state",
      details: { reason: "dead" },
    });
  });

  it("row 33: is waited for where it is looked at", async () => {
    const client = states(gone);
    const backend = backendOf(client);
    expect(await backend.inspect("c")).toMatchObject({ state: "stopped" });
    await expect(backend.inspect("c")).rejects.toMatchObject({ code: "not_found" });
  });
});
