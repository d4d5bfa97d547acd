import { type ContainerConfig, type OnConfigMismatch, PodkitError, type PortMapping, type VolumeMount } from "podkit";

/** Flags of `run` that become a container's configuration. */
export interface ConfigFlags {
  readonly image?: string | undefined;
  readonly pull?: string | undefined;
  readonly cpus?: string | undefined;
  readonly memory?: string | undefined;
  readonly pids?: string | undefined;
  readonly network?: string | undefined;
  readonly readOnly?: boolean | undefined;
  readonly volume?: readonly string[] | undefined;
  readonly publish?: readonly string[] | undefined;
}

const MODES = ["none", "internal", "host"] as const;
const MISMATCHES = ["error", "reuse", "recreate"] as const;
const PULLS = ["missing", "always", "never"] as const;

/** @throws `invalid_argument` naming the flag. What the values mean is checked by the facade. */
export function toConfig(flags: ConfigFlags): ContainerConfig {
  const { image, memory } = flags;
  return {
    ...(image === undefined ? {} : { image }),
    ...(flags.pull === undefined ? {} : { pullPolicy: oneOf("--pull", flags.pull, PULLS) }),
    ...(flags.cpus === undefined ? {} : { cpuLimit: toNumber("--cpus", flags.cpus) }),
    ...(memory === undefined ? {} : { memoryLimit: memory }),
    ...(flags.pids === undefined ? {} : { pidsLimit: toNumber("--pids", flags.pids) }),
    ...(flags.network === undefined ? {} : toNetwork(flags.network)),
    ...(flags.readOnly === true ? { readOnlyRootfs: true } : {}),
    ...(flags.volume === undefined ? {} : { volumes: flags.volume.map(toVolume) }),
    ...(flags.publish === undefined ? {} : { ports: flags.publish.map(toPort) }),
  };
}

/** What becomes of a session that has another configuration. */
export function toMismatch(text: string | undefined): OnConfigMismatch | undefined {
  return text === undefined ? undefined : oneOf("--on-mismatch", text, MISMATCHES);
}

function toNetwork(name: string): Pick<ContainerConfig, "network" | "networks"> {
  const mode = MODES.find((known) => known === name);
  return mode === undefined ? { networks: [name] } : { network: mode };
}

/** `NAME=VALUE`, or `NAME` for this program's own value. */
export function toEnv(
  pairs: readonly string[] | undefined,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const entries: [string, string][] = [];
  for (const pair of pairs ?? []) {
    const at = pair.indexOf("=");
    const name = at === -1 ? pair : pair.slice(0, at);
    const value = at === -1 ? own[name] : pair.slice(at + 1);
    if (name === "") throw wrong("--env", pair, "it takes NAME=VALUE, or NAME for the value that it has here");
    if (value !== undefined) entries.push([name, value]);
  }
  return Object.fromEntries(entries);
}

/** `SOURCE:TARGET` or `SOURCE:TARGET:ro`. */
export function toVolume(text: string): VolumeMount {
  const match = /^([^:]+):(\/[^:]*)(?::(ro|rw))?$/.exec(text);
  const [, source, target, mode] = match ?? [];
  if (source === undefined || target === undefined)
    throw wrong("--volume", text, "it takes SOURCE:TARGET or SOURCE:TARGET:ro, with an absolute target");
  return { source, target, readOnly: mode === "ro" };
}

/** `PORT`, `HOST:PORT` or `ADDRESS:HOST:PORT`, each with `/udp` or not. */
export function toPort(text: string): number | PortMapping {
  const match = /^(?:(?:(\[[0-9a-fA-F:]+\]|[0-9.]+):)?([0-9]{1,5}):)?([0-9]{1,5})(?:\/(tcp|udp))?$/.exec(text);
  if (match === null)
    throw wrong("--publish", text, "it takes PORT, HOST:PORT or ADDRESS:HOST:PORT, and /udp after it");
  const [, address, host, container, protocol] = match;
  return {
    container: Number(container),
    ...(host === undefined ? {} : { host: Number(host) }),
    ...(address === undefined ? {} : { address: address.replace(/^\[|\]$/g, "") }),
    ...(protocol === "udp" ? { protocol: "udp" } : {}),
  };
}

/** Seconds, or with a unit: `500ms`, `30s`, `5m`, `1h`. */
export function toMilliseconds(flag: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?$/.exec(text);
  if (match === null) throw wrong(flag, text, "it takes a time such as 500ms, 30s, 5m or 1h");
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  return Math.ceil(Number(match[1]) * (units[match[2] ?? "s"] ?? 1000));
}

/** A number; which ones are right is the facade's to say. */
export function toNumber(flag: string, text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw wrong(flag, text, "it takes a number");
  return value;
}

function oneOf<T extends string>(flag: string, text: string, words: readonly T[]): T {
  const found = words.find((word) => word === text);
  if (found === undefined) throw wrong(flag, text, `it takes ${words.join(", ")}`);
  return found;
}

function wrong(flag: string, text: string, right: string): PodkitError {
  return new PodkitError("invalid_argument", `${flag} ${JSON.stringify(text)} cannot be used: ${right}.`, {
    details: { field: flag },
  });
}
