import { type Capabilities, type ContainerSpec, PodkitError } from "@podkit/core";

/**
 * What the in-memory engine can do. It has no kernel, so it says no to all that only a kernel could keep; it counts processes,
 * and nothing in it has or gains privileges.
 */
export const MEMORY_CAPABILITIES: Capabilities = {
  images: true,
  imageInspect: true,
  pause: false,
  restart: true,
  anyUser: false,
  cpuLimit: false,
  memoryLimit: false,
  pidsLimit: true,
  diskLimit: false,
  shmSize: false,
  tmpfs: false,
  ulimits: false,
  gpus: false,
  dns: false,
  extraHosts: false,
  runtimes: [],
  readOnlyRootfs: false,
  bindMounts: false,
  namedVolumes: false,
  publishPorts: false,
  udpPorts: false,
  networks: false,
  networkModes: [],
  capabilityChanges: false,
  noNewPrivileges: true,
  autoRemove: true,
  stats: false,
  events: true,
};

/** Shows what a spec asks for, by the capability that it takes. */
function askedFor(spec: ContainerSpec): readonly (readonly [keyof Capabilities, boolean])[] {
  const { limits, mounts } = spec;
  return [
    ["cpuLimit", limits.cpus !== undefined],
    ["memoryLimit", limits.memoryBytes !== undefined],
    ["pidsLimit", limits.pids !== undefined],
    ["diskLimit", limits.diskBytes !== undefined],
    ["shmSize", limits.shmBytes !== undefined],
    ["tmpfs", mounts.some(({ type }) => type === "tmpfs")],
    ["bindMounts", mounts.some(({ type }) => type === "bind")],
    ["namedVolumes", mounts.some(({ type }) => type === "volume")],
    ["ulimits", spec.ulimits.length > 0],
    ["gpus", spec.gpus !== undefined],
    ["dns", spec.dns.length > 0],
    ["extraHosts", spec.extraHosts.length > 0],
    ["runtimes", spec.runtime !== undefined],
    ["readOnlyRootfs", spec.readOnlyRootfs],
    ["publishPorts", spec.ports.length > 0],
    ["networks", spec.networks.length > 0],
    ["networkModes", spec.networkMode !== undefined],
    ["autoRemove", spec.autoRemove],
  ];
}

/** Refuses what is asked for and not there. @throws `unsupported` naming it. */
export function refuseUnsupported(spec: ContainerSpec, capabilities: Capabilities): void {
  for (const [name, asked] of askedFor(spec)) {
    const has = capabilities[name];
    if (!asked || has === true || (Array.isArray(has) && has.length > 0)) continue;
    throw new PodkitError("unsupported", `The in-memory engine has no ${name}; leave it out, or use another backend.`, {
      details: { capability: name },
    });
  }
}
