import type { ExtraHost, Ulimit } from "@podkit/core";

/** A published port with all its parts; `host: 0` is drawn at creation. */
export interface AskedPort {
  readonly container: number;
  readonly host: number;
  readonly address: string;
  readonly protocol: "tcp" | "udp";
}

/** A volume with all its parts. */
export interface AskedVolume {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** A folder in memory; without `size` it is the engine's. */
export interface AskedTmpfs {
  readonly target: string;
  readonly size?: number;
}

/** Every value that a configuration can have, checked and in one form: sizes in bytes, ports with all their parts. */
export interface ConfigValues {
  readonly image: string;
  readonly inheritParentImage: boolean;
  readonly inheritParentNetworks: boolean;
  readonly pullPolicy: "missing" | "always" | "never";
  readonly platform: string;
  readonly cpuLimit: number;
  readonly memoryLimit: number;
  readonly pidsLimit: number;
  readonly diskLimit: number;
  readonly shmSize: number;
  readonly tmpfs: readonly AskedTmpfs[];
  readonly ulimits: readonly Ulimit[];
  readonly gpus: number | "all";
  readonly dns: readonly string[];
  readonly extraHosts: readonly ExtraHost[];
  readonly runtime: string;
  readonly readOnlyRootfs: boolean;
  readonly containerLifetimeMs: number;
  readonly maxLifetimeMs: number;
  readonly sessionInactivityTimeoutMs: number;
  readonly entrypoint: readonly string[];
  readonly command: string | readonly string[];
  readonly useImageDefaults: boolean;
  readonly agentAsInit: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly user: string;
  readonly volumes: readonly AskedVolume[];
  readonly ports: readonly AskedPort[];
  readonly networks: readonly string[];
  readonly network: "none" | "internal" | "host";
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
  readonly noNewPrivileges: boolean;
  readonly tty: boolean;
  readonly stdinOpen: boolean;
  readonly autoRemove: boolean;
  readonly startupVerification: { readonly timeoutMs?: number; readonly logLines?: number };
  readonly labels: Readonly<Record<string, string>>;
}

/** Name of a field that is stored. */
export type FieldName = keyof ConfigValues;

/**
 * What a caller asked for: only the fields that were given. It is itself a `ContainerConfig`, less the login for a registry, which is
 * never stored.
 */
export type Asked = { readonly [K in FieldName]?: ConfigValues[K] };
