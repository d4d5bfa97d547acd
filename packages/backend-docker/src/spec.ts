import { AGENT_PATH, AGENT_STATE_PATH, type ContainerSpec, type Mount } from "@podkit/core";
import { AGENT_VOLUME_LABEL, NETWORKS_LABEL, NONCE_LABEL } from "./labels.js";

/** What a creation knows beside its spec. */
export interface CreateFacts {
  /** Name of the volume that holds the agent. */
  readonly agentVolume: string;
  readonly agentVersion: string;
  readonly nonce: string;
  /** Name of the network that `networkMode: "internal"` means. */
  readonly internalNetwork: string;
}

/** Folder of the agent's binary: where its volume is mounted. */
export const AGENT_FOLDER = AGENT_PATH.slice(0, AGENT_PATH.lastIndexOf("/"));

/** A container's spec as the body of `POST /containers/create`. */
export function createBody(spec: ContainerSpec, facts: CreateFacts): Readonly<Record<string, unknown>> {
  const labels: Record<string, string> = { ...spec.labels, [NONCE_LABEL]: facts.nonce };
  if (spec.networks.length > 0) labels[NETWORKS_LABEL] = JSON.stringify(spec.networks);
  const [program = "", ...rest] = spec.argv;
  return {
    Image: spec.image,
    Entrypoint: [program, ...rest],
    Cmd: [],
    Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
    Labels: labels,
    ...optional("User", spec.user),
    ...optional("WorkingDir", spec.workingDir),
    ...optional("StopSignal", spec.stopSignal),
    // The image's own health check would run as a stranger beside the agent.
    ...(program === AGENT_PATH ? { Healthcheck: { Test: ["NONE"] } } : {}),
    Tty: spec.tty,
    OpenStdin: spec.stdinOpen,
    ExposedPorts: Object.fromEntries(spec.ports.map((port) => [`${port.container}/${port.protocol}`, {}])),
    HostConfig: hostConfig(spec, facts),
  };
}

function hostConfig(spec: ContainerSpec, facts: CreateFacts): Readonly<Record<string, unknown>> {
  return {
    Mounts: mounts(spec, facts),
    PortBindings: portBindings(spec),
    NetworkMode: networkMode(spec, facts),
    ...limits(spec),
    Ulimits: spec.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    ...(spec.gpus === undefined
      ? {}
      : { DeviceRequests: [{ Driver: "", Count: spec.gpus === "all" ? -1 : spec.gpus, Capabilities: [["gpu"]] }] }),
    Dns: [...spec.dns],
    ExtraHosts: spec.extraHosts.map(({ host, address }) => `${host}:${address}`),
    ...optional("Runtime", spec.runtime),
    ReadonlyRootfs: spec.readOnlyRootfs,
    CapDrop: ["ALL"],
    CapAdd: [...spec.capabilities],
    SecurityOpt: spec.noNewPrivileges ? ["no-new-privileges"] : [],
    // What PID 1 prints is kept by the engine without bound where nothing is said.
    LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "2" } },
    AutoRemove: spec.autoRemove,
    Init: false,
  };
}

function limits({ limits: asked }: ContainerSpec): Readonly<Record<string, unknown>> {
  return {
    // With swap the limit would be twice what was asked for.
    ...(asked.memoryBytes === undefined ? {} : { Memory: asked.memoryBytes, MemorySwap: asked.memoryBytes }),
    ...(asked.cpus === undefined ? {} : { NanoCpus: nanoCpus(asked.cpus) }),
    ...optional("PidsLimit", asked.pids),
    ...optional("ShmSize", asked.shmBytes),
    ...(asked.diskBytes === undefined ? {} : { StorageOpt: { size: String(asked.diskBytes) } }),
  };
}

/** Cores in the engine's unit. */
export function nanoCpus(cpus: number): number {
  return Math.round(cpus * 1e9);
}

// Volumes that hold podkit's own files take nothing from the image: it could have planted something at their path.
function mounts(spec: ContainerSpec, facts: CreateFacts): readonly unknown[] {
  const labels = { [AGENT_VOLUME_LABEL]: facts.agentVersion };
  return [
    {
      Type: "volume",
      Source: facts.agentVolume,
      Target: AGENT_FOLDER,
      ReadOnly: true,
      VolumeOptions: { NoCopy: true, Labels: labels },
    },
    { Type: "volume", Target: AGENT_STATE_PATH, VolumeOptions: { NoCopy: true } },
    ...spec.mounts.map(mount),
  ];
}

function mount(asked: Mount): unknown {
  switch (asked.type) {
    case "bind":
      return {
        Type: "bind",
        Source: asked.source,
        Target: asked.target,
        ReadOnly: asked.readOnly === true,
        BindOptions: { CreateMountpoint: false },
      };
    case "volume":
      return {
        Type: "volume",
        Source: asked.name,
        Target: asked.target,
        ReadOnly: asked.readOnly === true,
        VolumeOptions: { Labels: { ...asked.labels } },
      };
    case "anonymous":
      return { Type: "volume", Target: asked.target };
    case "tmpfs":
      return {
        Type: "tmpfs",
        Target: asked.target,
        ...(asked.sizeBytes === undefined ? {} : { TmpfsOptions: { SizeBytes: asked.sizeBytes } }),
      };
  }
}

function portBindings(spec: ContainerSpec): Readonly<Record<string, readonly unknown[]>> {
  const bindings: Record<string, unknown[]> = {};
  for (const port of spec.ports) {
    const key = `${port.container}/${port.protocol}`;
    const at = bindings[key] ?? [];
    at.push({ HostIp: port.address, HostPort: String(port.host) });
    bindings[key] = at;
  }
  return bindings;
}

function networkMode(spec: ContainerSpec, facts: CreateFacts): string {
  if (spec.networkMode === "internal") return facts.internalNetwork;
  return spec.networkMode ?? spec.networks[0] ?? "default";
}

function optional(key: string, value: string | number | undefined): Readonly<Record<string, string | number>> {
  return value === undefined ? {} : { [key]: value };
}
