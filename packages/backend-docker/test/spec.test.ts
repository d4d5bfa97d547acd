import { AGENT_PATH, type ContainerSpec } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { capabilitiesOf, requireCapabilities } from "../src/capabilities.js";
import { record } from "../src/parse.js";
import { createBody } from "../src/spec.js";
import { errorIn } from "./support/errors.js";
import { specOf } from "./support/spec.js";

const FACTS = { agentVolume: "agents", agentVersion: "1", nonce: "n", internalNetwork: "inside" };
const body = (change: Partial<ContainerSpec> = {}): Readonly<Record<string, unknown>> =>
  createBody(specOf("c", change), FACTS);
const host = (change: Partial<ContainerSpec> = {}): Readonly<Record<string, unknown>> =>
  record(body(change)["HostConfig"]);

describe("a spec as Docker takes it", () => {
  it("is safe where nothing is said", () => {
    expect(host({ capabilities: ["KILL"] })).toMatchObject({
      CapDrop: ["ALL"],
      CapAdd: ["KILL"],
      SecurityOpt: ["no-new-privileges"],
      LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "2" } },
      NetworkMode: "default",
      AutoRemove: false,
      Init: false,
    });
    expect(host()).not.toHaveProperty("Privileged");
    expect(host()).not.toHaveProperty("OomKillDisable");
    expect(host({ noNewPrivileges: false })["SecurityOpt"]).toEqual([]);
  });

  it("replaces the image's program wholly, and its health check where the agent is PID 1", () => {
    expect(body()).toMatchObject({
      Entrypoint: [AGENT_PATH, "sleep", "1000"],
      Cmd: [],
      Healthcheck: { Test: ["NONE"] },
    });
    expect(body({ argv: ["nginx"] })).not.toHaveProperty("Healthcheck");
  });

  it("mounts the agent read-only and a state volume, both with nothing of the image", () => {
    expect(host()["Mounts"]).toEqual([
      {
        Type: "volume",
        Source: "agents",
        Target: "/.podkit/bin",
        ReadOnly: true,
        VolumeOptions: { NoCopy: true, Labels: { "dev.podkit.agent-volume": "1" } },
      },
      { Type: "volume", Target: "/.podkit/state", VolumeOptions: { NoCopy: true } },
    ]);
  });

  it("mounts folders, volumes and memory", () => {
    const mounts = [
      { type: "bind", source: "/a", target: "/b", readOnly: true },
      { type: "volume", name: "v", target: "/v", labels: { x: "y" } },
      { type: "anonymous", target: "/n" },
      { type: "tmpfs", target: "/t", sizeBytes: 7 },
      { type: "tmpfs", target: "/u" },
    ] as const;
    const made = host({ mounts })["Mounts"];
    expect(Array.isArray(made) ? made.slice(2) : []).toEqual([
      { Type: "bind", Source: "/a", Target: "/b", ReadOnly: true, BindOptions: { CreateMountpoint: false } },
      { Type: "volume", Source: "v", Target: "/v", ReadOnly: false, VolumeOptions: { Labels: { x: "y" } } },
      { Type: "volume", Target: "/n" },
      { Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 7 } },
      { Type: "tmpfs", Target: "/u" },
    ]);
  });

  it("gives limits in Docker's units, and no swap beside the memory", () => {
    const limits = { cpus: 1.5, memoryBytes: 1024, pids: 64, shmBytes: 2048, diskBytes: 4096 };
    expect(host({ limits })).toMatchObject({
      NanoCpus: 1_500_000_000,
      Memory: 1024,
      MemorySwap: 1024,
      PidsLimit: 64,
      ShmSize: 2048,
      StorageOpt: { size: "4096" },
    });
    for (const key of ["NanoCpus", "Memory", "MemorySwap", "PidsLimit", "ShmSize", "StorageOpt"])
      expect(host()).not.toHaveProperty(key);
  });

  it("publishes ports, two of one container's too", () => {
    const ports = [
      { container: 80, host: 8080, address: "127.0.0.1", protocol: "tcp" },
      { container: 80, host: 8081, address: "::1", protocol: "tcp" },
      { container: 53, host: 53, address: "0.0.0.0", protocol: "udp" },
    ] as const;
    expect(host({ ports })["PortBindings"]).toEqual({
      "80/tcp": [
        { HostIp: "127.0.0.1", HostPort: "8080" },
        { HostIp: "::1", HostPort: "8081" },
      ],
      "53/udp": [{ HostIp: "0.0.0.0", HostPort: "53" }],
    });
    expect(body({ ports })["ExposedPorts"]).toEqual({ "80/tcp": {}, "53/udp": {} });
  });

  it("joins networks: the first at creation, all of them written down", () => {
    expect(host({ networks: ["a", "b"] })["NetworkMode"]).toBe("a");
    expect(body({ networks: ["a", "b"] })["Labels"]).toMatchObject({
      "dev.podkit.networks": '["a","b"]',
      "dev.podkit.nonce": "n",
    });
    expect(host({ networkMode: "none" })["NetworkMode"]).toBe("none");
    expect(host({ networkMode: "internal" })["NetworkMode"]).toBe("inside");
  });

  it("passes the rest on", () => {
    const change = {
      environment: { A: "1=2", B: "" },
      user: "5:6",
      workingDir: "/w",
      stopSignal: "SIGINT",
      tty: true,
      stdinOpen: true,
      ulimits: [{ name: "nofile", soft: 1, hard: 2 }],
      gpus: "all",
      dns: ["9.9.9.9"],
      extraHosts: [{ host: "h", address: "::1" }],
      runtime: "runsc",
      readOnlyRootfs: true,
      autoRemove: true,
    } as const;
    expect(body(change)).toMatchObject({
      Env: ["A=1=2", "B="],
      User: "5:6",
      WorkingDir: "/w",
      StopSignal: "SIGINT",
      Tty: true,
      OpenStdin: true,
    });
    expect(host(change)).toMatchObject({
      Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }],
      DeviceRequests: [{ Driver: "", Count: -1, Capabilities: [["gpu"]] }],
      Dns: ["9.9.9.9"],
      ExtraHosts: ["h:::1"],
      Runtime: "runsc",
      ReadonlyRootfs: true,
      AutoRemove: true,
    });
  });
});

describe("what an engine cannot do", () => {
  const INFO = {
    MemoryLimit: true,
    PidsLimit: true,
    CpuCfsQuota: true,
    CpuCfsPeriod: true,
    Runtimes: { runc: {} },
    Driver: "overlay2",
    DriverStatus: [["Backing Filesystem", "extfs"]],
  };
  const refusal = (info: object, change: Partial<ContainerSpec>): string =>
    errorIn(() => requireCapabilities(specOf("c", change), capabilitiesOf({ ...INFO, ...info }), "1")).code;

  it("is refused where it is asked for", () => {
    expect(refusal({ MemoryLimit: false }, { limits: { memoryBytes: 1 } })).toBe("unsupported");
    expect(refusal({ PidsLimit: undefined }, { limits: { pids: 1 } })).toBe("unsupported");
    expect(refusal({ CpuCfsQuota: false }, { limits: { cpus: 1 } })).toBe("unsupported");
    expect(refusal({}, { limits: { diskBytes: 1 } })).toBe("unsupported");
    expect(refusal({}, { gpus: "all" })).toBe("unsupported");
    expect(refusal({}, { runtime: "runsc" })).toBe("unsupported");
    expect(refusal({}, { networkMode: "host", ports: [{ container: 1, host: 1, address: "", protocol: "tcp" }] })).toBe(
      "unsupported",
    );
  });

  it("is let through where it is there, or not asked for", () => {
    const able = capabilitiesOf({
      ...INFO,
      Runtimes: { runc: {}, nvidia: {} },
      DriverStatus: [["Backing Filesystem", "xfs"]],
    });
    expect(() =>
      requireCapabilities(specOf("c", { gpus: 1, runtime: "runc", limits: { diskBytes: 1, cpus: 1 } }), able, "1"),
    ).not.toThrow();
    expect(() => requireCapabilities(specOf("c"), capabilitiesOf({}), "1")).not.toThrow();
    expect(capabilitiesOf({})).toMatchObject({ memoryLimit: false, pidsLimit: false, cpuLimit: false, runtimes: [] });
  });
});
