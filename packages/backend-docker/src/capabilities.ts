import { type Capabilities, type ContainerSpec, PodkitError } from "@podkit/core";
import { type Json, list, record, text, texts } from "./parse.js";

/** What an engine can do, by its own `/info`. */
export function capabilitiesOf(info: Json): Capabilities {
  const runtimes = Object.keys(record(info["Runtimes"])).sort();
  return {
    images: true,
    imageInspect: true,
    pause: true,
    restart: true,
    anyUser: true,
    cpuLimit: info["CpuCfsQuota"] === true && info["CpuCfsPeriod"] !== false,
    memoryLimit: info["MemoryLimit"] === true,
    pidsLimit: info["PidsLimit"] === true,
    diskLimit: hasDiskLimit(info),
    shmSize: true,
    tmpfs: true,
    ulimits: true,
    gpus: runtimes.includes("nvidia") || list(info["DiscoveredDevices"]).length > 0,
    dns: true,
    extraHosts: true,
    runtimes,
    readOnlyRootfs: true,
    bindMounts: true,
    namedVolumes: true,
    publishPorts: true,
    udpPorts: true,
    networks: true,
    networkModes: ["none", "internal", "host"],
    capabilityChanges: true,
    noNewPrivileges: true,
    autoRemove: true,
    stats: true,
    events: true,
  };
}

// With overlay2 the quota needs xfs mounted with pquota, which /info does not tell: there the creation itself may still refuse.
function hasDiskLimit(info: Json): boolean {
  const driver = text(info["Driver"]);
  if (["btrfs", "zfs", "devicemapper", "windowsfilter"].includes(driver)) return true;
  const xfs = list(info["DriverStatus"]).some((row) => texts(row).join(" ") === "Backing Filesystem xfs");
  return driver === "overlay2" && xfs;
}

/**
 * Refuses what the engine cannot do.
 * @throws `unsupported` naming the first thing that it lacks; `invalid_argument` for what contradicts itself.
 */
export function requireCapabilities(spec: ContainerSpec, able: Capabilities, version: string): void {
  const { limits } = spec;
  const wanted: readonly [boolean, boolean, string][] = [
    [limits.cpus !== undefined, able.cpuLimit, "a cpu limit"],
    [limits.memoryBytes !== undefined, able.memoryLimit, "a memory limit"],
    [limits.pids !== undefined, able.pidsLimit, "a pids limit"],
    [limits.diskBytes !== undefined, able.diskLimit, "a disk limit"],
    [spec.gpus !== undefined, able.gpus, "GPUs"],
    [
      spec.runtime !== undefined,
      able.runtimes.includes(spec.runtime ?? ""),
      `the runtime ${JSON.stringify(spec.runtime ?? "")}`,
    ],
  ];
  const lacking = wanted.find(([asked, there]) => asked && !there)?.[2];
  if (lacking !== undefined) {
    throw new PodkitError(
      "unsupported",
      `This Docker (${version}) cannot give a container ${lacking}, and nothing was made. Leave it out, or set the engine up for it.`,
      { details: { lacking } },
    );
  }
  if (spec.networkMode !== undefined && (spec.networks.length > 0 || spec.ports.length > 0)) {
    const what = spec.networks.length > 0 ? "networks" : "ports";
    throw new PodkitError(
      "unsupported",
      `A container with network ${JSON.stringify(spec.networkMode)} takes no ${what}: Docker would leave them out. Drop one of the two.`,
      { details: { lacking: what } },
    );
  }
}
