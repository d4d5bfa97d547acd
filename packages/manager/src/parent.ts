import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { type Backend, type CallOptions, type ContainerInfo, ENGINE_TIMEOUT_MS, PodkitError } from "@podkit/core";

/** What is read of this machine to find the container that the program runs in. */
export interface ParentSources {
  /** Text of a file, empty where there is none. */
  readonly read: (path: string) => Promise<string>;
  readonly hostname: () => string;
}

/** The machine's own files. */
export const systemSources: ParentSources = {
  read: (path) => readFile(path, "utf8").catch(() => ""),
  hostname,
};

/**
 * The container that this program runs in, on the engine of `backend`.
 * @throws `invalid_state` where there is none.
 */
export async function findParent(
  backend: Backend,
  sources: ParentSources,
  options: CallOptions,
): Promise<ContainerInfo> {
  for (const id of await candidates(sources)) {
    try {
      const info = await backend.inspect(id, { ...options, timeoutMs: ENGINE_TIMEOUT_MS });
      // A host's name may be another container's name.
      if (info.id.startsWith(id)) return info;
    } catch (error) {
      if (!PodkitError.is(error, "not_found")) throw error;
    }
  }
  throw new PodkitError(
    "invalid_state",
    `This program does not seem to run in a container of the ${backend.name} engine that it uses, so that inheritParentImage and ` +
      "inheritParentNetworks have no parent. Name image and networks instead.",
    { details: { reason: "no_parent" } },
  );
}

/**
 * The networks that a parent is in, by name.
 * @throws `unsupported` where it has none of its own to share.
 */
export function parentNetworks(parent: ContainerInfo): string[] {
  const names = Object.keys(parent.networks).filter((name) => name !== "none");
  if (names.length > 0 && !names.includes("host")) return names;
  throw new PodkitError(
    "unsupported",
    `The container that this program runs in, ${parent.name}, has ${names.length > 0 ? "its host's network" : "no network"}, which cannot be ` +
      'joined. Leave inheritParentNetworks out, or ask for network: "host" or "none".',
    { details: { field: "inheritParentNetworks", containerId: parent.id } },
  );
}

async function candidates(sources: ParentSources): Promise<string[]> {
  const [cgroup, mounts] = await Promise.all([sources.read("/proc/self/cgroup"), sources.read("/proc/self/mountinfo")]);
  const found = [...cgroup.matchAll(/(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?$/gm)].map((match) => match[1]);
  for (const line of mounts.split("\n")) {
    const fields = line.split(" ");
    // Only what the engine mounts into its containers: on the engine's own machine every container's folders are in this list.
    if (!["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"].includes(fields[4] ?? "")) continue;
    found.push(/\/([0-9a-f]{64})\//.exec(fields[3] ?? "")?.[1]);
  }
  const name = sources.hostname();
  if (/^[0-9a-f]{12}$/.test(name)) found.push(name);
  return [...new Set(found.filter((id) => id !== undefined))];
}
