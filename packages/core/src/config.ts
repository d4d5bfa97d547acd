/** A login for an image registry. It is never stored, logged or put into an error. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  /** The registry that it is for, e.g. `registry.example.com`; default: the image's own. */
  readonly serverAddress?: string;
}

/** Credentials, or a function that finds them for a registry's host. */
export type RegistryAuth =
  | RegistryCredentials
  | ((registry: string) => Promise<RegistryCredentials | undefined> | RegistryCredentials | undefined);

/** A folder or a named volume that is mounted into the container. */
export interface VolumeMount {
  /** An absolute path of the engine's machine, which must exist, or a volume's name (`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`). */
  readonly source: string;
  /** An absolute path in the container. */
  readonly target: string;
  /** Default false. */
  readonly readOnly?: boolean;
}

/** One published port. */
export interface PortMapping {
  /** Port in the container, 1 to 65535. */
  readonly container: number;
  /** Port on the host; 0: drawn once, at creation, and kept. Default: the container's. */
  readonly host?: number;
  /** Address on the host. Default `127.0.0.1`. */
  readonly address?: string;
  /** Default `tcp`. */
  readonly protocol?: "tcp" | "udp";
}

/** A folder in memory. */
export interface TmpfsMount {
  /** An absolute path in the container. */
  readonly target: string;
  /** Bytes, or digits with `b k m g`. Default: the engine's. */
  readonly size?: number | string;
}

/** A limit of the kernel's `setrlimit`. */
export interface Ulimit {
  /** Such as `nofile`. */
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** A name that resolves to an address inside the container. */
export interface ExtraHost {
  readonly host: string;
  readonly address: string;
}

/** What to do where a session exists with another configuration than is asked for. */
export type OnConfigMismatch = "error" | "reuse" | "recreate";

/**
 * How a session's container is made. Every field is optional. A limit or option that is given and that the engine
 * cannot keep is refused (`unsupported`) before anything is made.
 */
export interface ContainerConfig {
  /** Image reference. Default: the manager's `defaultImage`, else `PODKIT_DEFAULT_IMAGE`, else `python:3.11-alpine`. */
  readonly image?: string;
  /** Takes the image of the container that this program runs in. Default false. */
  readonly inheritParentImage?: boolean;
  /** Joins the networks of the container that this program runs in. Default false. */
  readonly inheritParentNetworks?: boolean;
  /** When the image is pulled. Default `missing`. */
  readonly pullPolicy?: "missing" | "always" | "never";
  /** Such as `linux/arm64`. Default: the engine's. */
  readonly platform?: string;
  /** Login for the registry. Default: Docker's config file and credential helpers. */
  readonly registryAuth?: RegistryAuth;
  /** Cores, 0.01 or more. Default 1. */
  readonly cpuLimit?: number;
  /** Bytes, or digits with `b k m g` (powers of 1024). Default `512m`. */
  readonly memoryLimit?: number | string;
  /** How many processes and threads there may be. Default 512; at least 64, as the agent needs some. */
  readonly pidsLimit?: number;
  /** As `memoryLimit`; only where the engine has one. Default: none. */
  readonly diskLimit?: number | string;
  /** Size of `/dev/shm`; as `memoryLimit`. Default: the engine's. */
  readonly shmSize?: number | string;
  /** Folders in memory. */
  readonly tmpfs?: readonly (string | TmpfsMount)[];
  readonly ulimits?: readonly Ulimit[];
  /** How many GPUs, or `all`. */
  readonly gpus?: number | "all";
  /** Name servers. */
  readonly dns?: readonly string[];
  readonly extraHosts?: readonly ExtraHost[];
  /** Name of the engine's runtime, such as `runsc`. */
  readonly runtime?: string;
  /** The image's own files cannot be changed. Default false. */
  readonly readOnlyRootfs?: boolean;
  /** Milliseconds of rest until the container stops itself. Default 60 000. Only where none of `entrypoint`, `command`, `useImageDefaults` is set. */
  readonly containerLifetimeMs?: number;
  /** Milliseconds since start until the container stops, even with running work. Default: none. */
  readonly maxLifetimeMs?: number;
  /** Milliseconds without use until a monitor or `prune` removes the session. Default 3 600 000. */
  readonly sessionInactivityTimeoutMs?: number;
  /** Unset: idle stop. `[]`: runs until closed. A list: runs that program in place of the image's ENTRYPOINT and CMD. */
  readonly entrypoint?: readonly string[];
  /** Replaces the image's CMD and keeps its ENTRYPOINT; a string runs by shell. Its end ends the container with its code. */
  readonly command?: string | readonly string[];
  /** The image's own program runs; wins over `entrypoint` and `command`. Default false. */
  readonly useImageDefaults?: boolean;
  /** False: the image's program is PID 1, and there is no idle stop. Default true. */
  readonly agentAsInit?: boolean;
  /** Environment of every command. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Absolute path; made where it is missing. Default `/workspace`. */
  readonly workingDir?: string;
  /** Name, uid, `uid:gid` or `name:group`. Default: the image's USER. */
  readonly user?: string;
  readonly volumes?: readonly VolumeMount[];
  /** A number is published on the same port of the host, on 127.0.0.1. */
  readonly ports?: readonly (number | PortMapping)[];
  /** Networks to join; they must exist. Default: the engine's default network. */
  readonly networks?: readonly string[];
  /** Excludes `networks`. */
  readonly network?: "none" | "internal" | "host";
  /** Kernel capabilities beside, or less than, the default ones (CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID NET_BIND_SERVICE). */
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  /** Default true. */
  readonly noNewPrivileges?: boolean;
  /** Default false. */
  readonly tty?: boolean;
  /** Default false. */
  readonly stdinOpen?: boolean;
  /** The engine removes the container when it stops. Default false. */
  readonly autoRemove?: boolean;
  /** How long the start may take, and how many log lines a failure shows. Default 30 000 and 100. */
  readonly startupVerification?: { readonly timeoutMs?: number; readonly logLines?: number };
  /** The prefix `dev.podkit.` is refused. */
  readonly labels?: Readonly<Record<string, string>>;
}
