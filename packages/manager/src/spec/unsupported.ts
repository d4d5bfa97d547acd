import { type Capabilities, type Mount, PodkitError } from "@podkit/core";
import type { Asked, FieldName } from "../config/asked.js";

/**
 * Refuses what was asked for and what the engine cannot keep, before anything is made.
 * @throws `unsupported` naming the field.
 */
export function refuseUnsupported(asked: Asked, can: Capabilities, backend: string): void {
  for (const field of Object.keys(NEEDS)) {
    const need = NEEDS[field];
    if (need === undefined || !(field in asked) || need(asked, can)) continue;
    throw unsupported(field, backend);
  }
}

/** Refuses mounts that the engine cannot make. @throws `unsupported`. */
export function refuseMounts(mounts: readonly Mount[], can: Capabilities, backend: string): void {
  for (const { type } of mounts) {
    if (type === "bind" && !can.bindMounts) throw unsupported("bind mounts", backend);
    if (type === "volume" && !can.namedVolumes) throw unsupported("named volumes", backend);
    if (type === "tmpfs" && !can.tmpfs) throw unsupported("tmpfs", backend);
  }
}

/** The error of a field that the engine cannot keep. */
export function unsupported(field: string, backend: string): PodkitError {
  return new PodkitError(
    "unsupported",
    `The ${backend} engine here cannot do ${field}, and nothing was made. Leave it out, or use another engine.`,
    {
      details: { field, backend },
    },
  );
}

type Need = (asked: Asked, can: Capabilities) => boolean;

const NEEDS: Readonly<Partial<Record<string, Need>>> = {
  image: (_, can) => can.images,
  inheritParentImage: (asked, can) => asked.inheritParentImage !== true || can.images,
  inheritParentNetworks: (asked, can) => asked.inheritParentNetworks !== true || can.networks,
  platform: (_, can) => can.images,
  cpuLimit: (_, can) => can.cpuLimit,
  memoryLimit: (_, can) => can.memoryLimit,
  pidsLimit: (_, can) => can.pidsLimit,
  diskLimit: (_, can) => can.diskLimit,
  shmSize: (_, can) => can.shmSize,
  tmpfs: (asked, can) => asked.tmpfs?.length === 0 || can.tmpfs,
  ulimits: (asked, can) => asked.ulimits?.length === 0 || can.ulimits,
  gpus: (_, can) => can.gpus,
  dns: (asked, can) => asked.dns?.length === 0 || can.dns,
  extraHosts: (asked, can) => asked.extraHosts?.length === 0 || can.extraHosts,
  runtime: (asked, can) => asked.runtime !== undefined && can.runtimes.includes(asked.runtime),
  readOnlyRootfs: (asked, can) => asked.readOnlyRootfs !== true || can.readOnlyRootfs,
  // Without the image's ENTRYPOINT neither can be put together.
  useImageDefaults: (asked, can) => asked.useImageDefaults !== true || can.imageInspect,
  command: (asked, can) => asked.entrypoint !== undefined || can.imageInspect,
  volumes: ({ volumes = [] }, can) =>
    volumes.every(({ source }) => (source.startsWith("/") ? can.bindMounts : can.namedVolumes)),
  ports: ({ ports = [] }, can) =>
    ports.length === 0 || (can.publishPorts && (can.udpPorts || ports.every(({ protocol }) => protocol === "tcp"))),
  networks: (asked, can) => asked.networks?.length === 0 || can.networks,
  network: (asked, can) => asked.network !== undefined && can.networkModes.includes(asked.network),
  capabilities: ({ capabilities }, can) =>
    (capabilities?.add.length === 0 && capabilities.drop.length === 0) || can.capabilityChanges,
  noNewPrivileges: (asked, can) => asked.noNewPrivileges !== true || can.noNewPrivileges,
  autoRemove: (asked, can) => asked.autoRemove !== true || can.autoRemove,
} satisfies { readonly [K in FieldName]?: Need };
