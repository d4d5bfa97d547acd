/**
 * What an engine can do, known once `connect` settled. A closed record: a new capability is a new field. What is false is
 * refused with `unsupported` before any side effect, where it was asked for.
 */
export interface Capabilities {
  /** Images by name, with pull. False: a root filesystem is given in another way. */
  readonly images: boolean;
  /** `inspectImage` tells USER, ENTRYPOINT, CMD. */
  readonly imageInspect: boolean;
  readonly pause: boolean;
  /** A stopped container can be started again with its files. */
  readonly restart: boolean;
  /** The agent can run as root and serve any `user`. */
  readonly anyUser: boolean;
  readonly cpuLimit: boolean;
  readonly memoryLimit: boolean;
  readonly pidsLimit: boolean;
  readonly diskLimit: boolean;
  readonly shmSize: boolean;
  readonly tmpfs: boolean;
  readonly ulimits: boolean;
  readonly gpus: boolean;
  readonly dns: boolean;
  readonly extraHosts: boolean;
  /** Names of runtimes that can be asked for; empty: none. */
  readonly runtimes: readonly string[];
  readonly readOnlyRootfs: boolean;
  readonly bindMounts: boolean;
  readonly namedVolumes: boolean;
  readonly publishPorts: boolean;
  readonly udpPorts: boolean;
  readonly networks: boolean;
  readonly networkModes: readonly ("none" | "internal" | "host")[];
  readonly capabilityChanges: boolean;
  readonly noNewPrivileges: boolean;
  readonly autoRemove: boolean;
  readonly stats: boolean;
  readonly events: boolean;
}
