import { describe, expect, it } from "vitest";
import { portEndpoint } from "../src/endpoint.js";
import { containerEvent } from "../src/events.js";
import { containerInfo, containerSummary, imageInfo } from "../src/inspect.js";
import { parseStats } from "../src/stats.js";
import { errorIn } from "./support/errors.js";

const ZERO = "0001-01-01T00:00:00Z";
const RUNNING = {
  Id: "abc",
  Name: "/name",
  Created: "2026-01-02T03:04:05.123456789Z",
  State: { Status: "running", StartedAt: "2026-01-02T03:04:06Z", FinishedAt: ZERO, ExitCode: 0, Error: "" },
  Config: { Image: "image:1", Labels: { a: "b" } },
  HostConfig: {
    NanoCpus: 500_000_000,
    Memory: 1024,
    PidsLimit: 64,
    PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] },
  },
  NetworkSettings: {
    Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }], "81/tcp": null },
    Networks: { bridge: { IPAddress: "172.17.0.2" }, other: { IPAddress: "" } },
  },
};

describe("the engine's answers", () => {
  it("about a running container", () => {
    expect(containerInfo(RUNNING)).toEqual({
      id: "abc",
      name: "name",
      state: "running",
      labels: { a: "b" },
      createdAt: Date.parse("2026-01-02T03:04:05.123Z"),
      image: "image:1",
      startedAt: Date.parse("2026-01-02T03:04:06Z"),
      finishedAt: null,
      exitCode: null,
      error: "",
      ports: [{ container: 80, host: 8080, address: "0.0.0.0", protocol: "tcp" }],
      limits: { cpus: 0.5, memoryBytes: 1024, pids: 64 },
      networks: { bridge: "172.17.0.2", other: null },
    });
  });

  it("about one that ended, one that never started, one without limits", () => {
    const ended = containerInfo({
      ...RUNNING,
      State: { Status: "exited", StartedAt: ZERO, FinishedAt: "2026-01-02T03:04:07Z", ExitCode: 90 },
    });
    expect(ended).toMatchObject({
      state: "stopped",
      exitCode: 90,
      startedAt: null,
      finishedAt: Date.parse("2026-01-02T03:04:07Z"),
    });
    expect(containerInfo({ ...RUNNING, State: { Status: "created", ExitCode: 128, Error: "no" } })).toMatchObject({
      state: "created",
      exitCode: null,
      error: "no",
    });
    for (const Status of ["dead", "removing", "exited"])
      expect(containerInfo({ State: { Status } }).state).toBe("stopped");
    const free = containerInfo({
      HostConfig: { NanoCpus: 0, Memory: 0, PidsLimit: -1, CpuQuota: 50_000, CpuPeriod: 100_000 },
    });
    expect(free.limits).toEqual({ cpus: 0.5, memoryBytes: null, pids: null });
  });

  it("that are none give nothing, and throw nothing", () => {
    for (const nonsense of [
      undefined,
      null,
      7,
      "text",
      [],
      {},
      { State: 1, Config: [], HostConfig: "x", NetworkSettings: { Ports: 3, Networks: [] } },
    ]) {
      expect(containerInfo(nonsense)).toMatchObject({ id: "", exitCode: null, ports: [] });
      expect(containerSummary(nonsense).id).toBe("");
      expect(imageInfo(nonsense)).toMatchObject({ id: "", environment: {}, stopSignal: null });
      expect(containerEvent(nonsense)).toBeUndefined();
      expect(parseStats(nonsense)).toEqual({ cpuNanos: 0, memoryBytes: 0, pids: 0 });
    }
  });

  it("about a list's item, an image and what it uses", () => {
    expect(containerSummary({ Id: "i", Names: ["/n"], State: "paused", Labels: {}, Created: 7 })).toEqual({
      id: "i",
      name: "n",
      state: "paused",
      labels: {},
      createdAt: 7000,
    });
    const image = imageInfo({
      Id: "sha256:1",
      Os: "linux",
      Architecture: "arm64",
      Config: { User: "bob", Entrypoint: null, Cmd: ["x"], Env: ["A=b=c", "D"], StopSignal: "SIGQUIT" },
    });
    expect(image).toMatchObject({
      platform: "linux/arm64",
      user: "bob",
      entrypoint: [],
      command: ["x"],
      environment: { A: "b=c", D: "" },
      stopSignal: "SIGQUIT",
    });
    const cgroup2 = {
      cpu_stats: { cpu_usage: { total_usage: 5 } },
      memory_stats: { usage: 100, stats: { inactive_file: 30 } },
      pids_stats: { current: 2 },
    };
    expect(parseStats(cgroup2)).toEqual({ cpuNanos: 5, memoryBytes: 70, pids: 2 });
    expect(
      parseStats({ memory_stats: { usage: 100, stats: { inactive_file: 1, total_inactive_file: 40 } } }).memoryBytes,
    ).toBe(60);
  });

  it("about what happens", () => {
    const die = {
      Action: "die",
      Actor: { ID: "i", Attributes: { name: "n", exitCode: "137" } },
      time: 5,
      timeNano: 5_000_700_000,
    };
    expect(containerEvent(die)).toEqual({ type: "stopped", id: "i", name: "n", at: 5000, exitCode: 137 });
    expect(containerEvent({ ...die, Action: "start", timeNano: undefined })).toEqual({
      type: "started",
      id: "i",
      name: "n",
      at: 5000,
    });
    expect(containerEvent({ ...die, Action: "exec_create: sh" })).toBeUndefined();
  });
});

describe("a port's endpoint", () => {
  const at = (address: string) =>
    containerInfo({ ...RUNNING, NetworkSettings: { Ports: { "80/tcp": [{ HostIp: address, HostPort: "8080" }] } } });
  const far = { kind: "tcp", url: "tcp://far:2375", host: "far", port: 2375 } as const;

  it("is where this program reaches it", () => {
    expect(portEndpoint(at("0.0.0.0"), 80, "tcp", undefined)).toEqual({ host: "127.0.0.1", port: 8080 });
    expect(portEndpoint(at("::"), 80, "tcp", undefined).host).toBe("::1");
    expect(portEndpoint(at("10.0.0.5"), 80, "tcp", undefined).host).toBe("10.0.0.5");
    expect(portEndpoint(at("0.0.0.0"), 80, "tcp", far).host).toBe("far");
    expect(portEndpoint(at("10.0.0.5"), 80, "tcp", far).host).toBe("10.0.0.5");
  });

  it("is not there for what is not published, or does not run", () => {
    expect(errorIn(() => portEndpoint(at("0.0.0.0"), 80, "udp", undefined)).code).toBe("not_found");
    const stopped = containerInfo({ ...RUNNING, State: { Status: "exited" } });
    expect(errorIn(() => portEndpoint(stopped, 80, "tcp", undefined)).code).toBe("invalid_state");
  });
});
