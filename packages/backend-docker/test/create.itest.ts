import { createServer } from "node:net";
import type { ContainerSpec } from "@podkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DockerBackend } from "../src/index.js";
import { clear, docker, errorOf, names, scriptAgent, specOf, until } from "./support/engine.js";

const PREFIX = "pt-create";
const agent = scriptAgent("0.0.1-create");
const backend = new DockerBackend({ agentVolumePrefix: `${PREFIX}-agent`, internalNetwork: `${PREFIX}-internal` });
const made = async (spec: ContainerSpec): Promise<string> => {
  await backend.create(spec, agent);
  await backend.start(spec.name);
  return spec.name;
};

beforeAll(async () => {
  await clear(PREFIX);
  await backend.connect();
});
afterAll(async () => {
  await clear(PREFIX);
  await backend.close();
});

async function output(id: string, argv: readonly string[]): Promise<string> {
  const stream = await backend.openStream(id, argv);
  let all = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream) all += String(chunk);
  return all;
}

describe("what is asked for is in force", () => {
  it("limits, read back and seen from inside", async () => {
    const limits = { cpus: 0.5, memoryBytes: 64 * 1024 * 1024, pids: 77, shmBytes: 1024 * 1024 };
    const name = await made(
      specOf(`${PREFIX}-limits`, { limits, ulimits: [{ name: "nofile", soft: 100, hard: 200 }] }),
    );
    expect((await backend.inspect(name)).limits).toEqual({ cpus: 0.5, memoryBytes: 64 * 1024 * 1024, pids: 77 });
    const seen = await output(name, [
      "sh",
      "-c",
      "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; df -k /dev/shm | tail -1",
    ]);
    expect(seen).toMatch(/^67108864\n77\nshm +1024 /);
    const { HostConfig } = await docker.getContainer(name).inspect();
    expect(HostConfig.MemorySwap).toBe(64 * 1024 * 1024);
    expect(HostConfig.LogConfig).toEqual({ Type: "json-file", Config: { "max-size": "10m", "max-file": "2" } });
    await backend.remove(name);
  });

  it("a disk limit that the engine lacks, a runtime, GPUs: refused before anything is made", async () => {
    for (const change of [
      { limits: { diskBytes: 1e9 } },
      { runtime: "pt-none" },
      { gpus: 1 as const },
      { networkMode: "none" as const, networks: ["x"] },
    ]) {
      expect((await errorOf(backend.create(specOf(`${PREFIX}-lacks`, change), agent))).code).toBe("unsupported");
    }
    expect(await names(`${PREFIX}-lacks`)).toEqual([]);
  });

  it("a limit that the engine drops: the container is removed again", async () => {
    const name = `${PREFIX}-dropped`;
    const raw = docker.modem;
    const client = {
      modem: {
        dial(options: Parameters<typeof raw.dial>[0], callback: (error: unknown, result: unknown) => void): void {
          const body = options.options?._body;
          if (options.path.startsWith("/containers/create") && body?.HostConfig?.PidsLimit !== undefined)
            delete body.HostConfig.PidsLimit;
          raw.dial(options, callback);
        },
      },
    };
    const forgetful = new DockerBackend({ client, agentVolumePrefix: `${PREFIX}-agent` });
    const error = await errorOf(forgetful.create(specOf(name, { limits: { pids: 50 } }), agent));
    expect(error).toMatchObject({ code: "unsupported", details: { limit: "pids limit", asked: 50 } });
    expect(await names(name)).toEqual([]);
  });

  it("capabilities, no-new-privileges, read-only root, tmpfs, extra hosts, dns, user, working folder", async () => {
    const name = await made(
      specOf(`${PREFIX}-secure`, {
        readOnlyRootfs: true,
        mounts: [
          { type: "tmpfs", target: "/tmp", sizeBytes: 65_536 },
          { type: "anonymous", target: "/data" },
        ],
        extraHosts: [{ host: "made.up", address: "192.0.2.7" }],
        dns: ["192.0.2.53"],
        workingDir: "/tmp",
        capabilities: ["CHOWN", "KILL"],
      }),
    );
    const script =
      "grep -E 'CapBnd|NoNewPrivs' /proc/1/status; touch /x 2>/dev/null || echo ro; touch /tmp/x /data/x && echo rw; grep made.up /etc/hosts; grep -c 192.0.2.53 /etc/resolv.conf; readlink /proc/1/cwd";
    const seen = (await output(name, ["sh", "-c", script])).replaceAll(/[ \t]+/g, " ");
    expect(seen).toBe("CapBnd: 0000000000000021\nNoNewPrivs: 1\nro\nrw\n192.0.2.7 made.up\n1\n/tmp\n");
    await backend.remove(name);
  });

  it("named volumes are kept with their labels, and a read-only mount cannot be written", async () => {
    const mount = { type: "volume", name: `${PREFIX}-data`, labels: { "pt-create": "yes" } } as const;
    const first = await made(specOf(`${PREFIX}-vol1`, { mounts: [{ ...mount, target: "/data" }] }));
    expect(await output(first, ["sh", "-c", "echo kept > /data/file"])).toBe("");
    await backend.remove(first);
    const second = await made(specOf(`${PREFIX}-vol2`, { mounts: [{ ...mount, target: "/data", readOnly: true }] }));
    expect(
      await output(second, ["sh", "-c", "cat /data/file; echo more > /data/file 2>/dev/null || echo refused"]),
    ).toBe("kept\nrefused\n");
    await backend.remove(second);
    expect((await docker.getVolume(`${PREFIX}-data`).inspect()).Labels).toEqual({ "pt-create": "yes" });
  });
});

describe("what is missing is named, and nothing is left", () => {
  it("row 19: a network", async () => {
    const name = `${PREFIX}-nonet`;
    const error = await errorOf(backend.create(specOf(name, { networks: ["bridge", "pt-no-such-network"] }), agent));
    expect(error).toMatchObject({ code: "not_found", details: { kind: "network", name: "pt-no-such-network" } });
    expect(error.message).toContain("pt-no-such-network");
    expect(await names(name)).toEqual([]);
  });

  it("a folder to mount", async () => {
    const name = `${PREFIX}-nobind`;
    const error = await errorOf(
      backend.create(specOf(name, { mounts: [{ type: "bind", source: "/nonexistent/pt", target: "/x" }] }), agent),
    );
    expect(error).toMatchObject({ code: "not_found", details: { kind: "bind", name: "/nonexistent/pt" } });
    expect(await names(name)).toEqual([]);
  });

  it("an image", async () => {
    const name = `${PREFIX}-noimage`;
    const error = await errorOf(backend.create(specOf(name, { image: "podkit-test/none:1" }), agent));
    expect(error.code).toBe("not_found");
    expect(error.message).toContain("podkit-test/none:1");
    expect(await names(PREFIX)).toEqual([]);
  });
});

describe("networks", () => {
  it("row 19: all are joined before the start", async () => {
    for (const one of ["a", "b"]) await docker.createNetwork({ Name: `${PREFIX}-${one}` });
    const name = await made(specOf(`${PREFIX}-nets`, { networks: [`${PREFIX}-a`, `${PREFIX}-b`] }));
    const { networks } = await backend.inspect(name);
    expect(Object.keys(networks).sort()).toEqual([`${PREFIX}-a`, `${PREFIX}-b`]);
    expect(Object.values(networks).every((address) => /^172\.|^192\.168\.|^10\./.test(address ?? ""))).toBe(true);
    await backend.remove(name);
  });

  it("a creation that was cut is completed by start", async () => {
    const name = `${PREFIX}-cut`;
    await backend.create(specOf(name, { networks: [`${PREFIX}-a`, `${PREFIX}-b`] }), agent);
    await docker.getNetwork(`${PREFIX}-b`).disconnect({ Container: name, Force: true });
    await backend.start(name);
    expect(Object.keys((await backend.inspect(name)).networks).sort()).toEqual([`${PREFIX}-a`, `${PREFIX}-b`]);
    await backend.remove(name);
  });

  it("internal: an interface, no way out, and no way to another container", async () => {
    const spec = (name: string, change: Partial<ContainerSpec>): ContainerSpec =>
      specOf(`${PREFIX}-${name}`, { argv: ["httpd", "-f", "-p", "80", "-h", "/bin"], ...change });
    const outside = await made(spec("out1", {}));
    const beside = await made(spec("out2", {}));
    const [first = "", second = ""] = await Promise.all(
      ["int1", "int2"].map((name) => made(spec(name, { networkMode: "internal" }))),
    );
    const get = async (from: string, to: string): Promise<string> => {
      const address = Object.values((await backend.inspect(to)).networks)[0] ?? "";
      return await output(from, ["sh", "-c", `nc -w 2 ${address} 80 </dev/null 2>&1 && echo reached || echo closed`]);
    };
    expect(await get(beside, outside)).toBe("reached\n");
    expect(await get(first, outside)).toMatch(/closed\n$/);
    expect(await get(first, second)).toMatch(/closed\n$/);
    expect(await output(first, ["sh", "-c", "ls /sys/class/net | wc -l"])).toBe("2\n");
    await Promise.all([outside, beside, first, second].map((name) => backend.remove(name)));
  });

  it("none: no interface but the loopback", async () => {
    const name = await made(specOf(`${PREFIX}-none`, { networkMode: "none" }));
    expect(await output(name, ["ls", "/sys/class/net"])).toBe("lo\n");
    await backend.remove(name);
  });
});

describe("ports", () => {
  it("row 18: are published, and their endpoint answers; UDP and another address too", async () => {
    const tcp = await freePort();
    const udp = await freePort();
    const ports = [
      { container: 80, host: tcp, address: "127.0.0.1", protocol: "tcp" },
      { container: 53, host: udp, address: "0.0.0.0", protocol: "udp" },
    ] as const;
    const name = `${PREFIX}-ports`;
    const created = await backend.create(
      specOf(name, { ports, argv: ["sh", "-c", "mkdir /w; echo served > /w/index.html; exec httpd -f -p 80 -h /w"] }),
      agent,
    );
    expect(created.ports).toHaveLength(2);
    expect((await errorOf(backend.endpoint(name, 80))).code).toBe("invalid_state");
    await backend.start(name);
    expect((await backend.inspect(name)).ports).toEqual(expect.arrayContaining([...ports]));
    const at = await backend.endpoint(name, 80);
    expect(at).toEqual({ host: "127.0.0.1", port: tcp });
    await until(
      "the server",
      async () =>
        (await fetch(`http://${at.host}:${at.port}/`)
          .then((answer) => answer.text())
          .catch(() => "")) === "served\n",
    );
    expect(await backend.endpoint(name, 53, { protocol: "udp" })).toEqual({ host: "127.0.0.1", port: udp });
    expect((await errorOf(backend.endpoint(name, 81))).code).toBe("not_found");
    await backend.remove(name);
  });

  it("row 18: one that is taken is an error that names it, whoever has it", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const host = typeof address === "object" && address !== null ? address.port : 0;
    const name = `${PREFIX}-port1`;
    const ports = [{ container: 80, host, address: "127.0.0.1", protocol: "tcp" }] as const;
    await backend.create(specOf(name, { ports }), agent);
    expect(await errorOf(backend.start(name))).toMatchObject({
      code: "conflict",
      details: { reason: "port_taken", port: host },
    });
    await new Promise((resolve) => server.close(resolve));
    await backend.start(name);
    const other = `${PREFIX}-port2`;
    await backend.create(specOf(other, { ports }), agent);
    const error = await errorOf(backend.start(other));
    expect(error).toMatchObject({ code: "conflict", details: { reason: "port_taken", port: host } });
    expect(error.message).toContain(String(host));
    await Promise.all([backend.remove(name), backend.remove(other)]);
  });
});

describe("a creation that is given up", () => {
  it("leaves nothing, whenever the abort comes", async () => {
    for (let wait = 0; wait < 60; wait += 6) {
      const name = `${PREFIX}-abort${wait}`;
      const outcome = await backend
        .create(specOf(name, { networks: [`${PREFIX}-a`, `${PREFIX}-b`] }), agent, {
          signal: AbortSignal.timeout(wait),
        })
        .then(
          () => "made",
          (error: unknown) => error,
        );
      if (outcome === "made") await backend.remove(name);
      else expect(outcome).toMatchObject({ code: "aborted" });
      expect(await names(name)).toEqual([]);
    }
  });

  it("leaves nothing at its deadline", async () => {
    const name = `${PREFIX}-late`;
    const error = await errorOf(backend.create(specOf(name), agent, { timeoutMs: 5 }));
    expect(error.code).toBe("timeout");
    expect(await names(name)).toEqual([]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
