import type { CallOptions, DeadlineOptions } from "./call.js";
import type { Capabilities } from "./capabilities.js";
import type { ExtraHost, RegistryAuth, Ulimit } from "./config.js";
import type { ByteStream } from "./stream.js";

/** Where every backend puts the agent's binary in a container. */
export const AGENT_PATH = "/.podkit/bin/podkit-agent";

/** Where every backend mounts the agent's state: a volume of that container alone, gone with it. */
export const AGENT_STATE_PATH = "/.podkit/state";

/** The agent that a backend puts into containers. */
export interface AgentSource {
  readonly version: string;
  /** SHA-256 of the binary for a platform such as `linux/amd64`, in hex. */
  sha256(platform: string): Promise<string>;
  /** @throws `unsupported` where there is none for the platform. */
  binary(platform: string): Promise<Uint8Array>;
}

/** The engine that answered. */
export interface EngineInfo {
  /** Such as `docker`. */
  readonly name: string;
  readonly version: string;
  /** Such as `linux/amd64`: what images run on where nothing else is asked. */
  readonly platform: string;
  /** Where it was found, such as `unix:///var/run/docker.sock`. */
  readonly endpoint: string;
  /** True where bind sources are paths of this program's machine. */
  readonly local: boolean;
}

/** Progress of a pull. */
export interface PullProgress {
  readonly image: string;
  /** Layer, where the engine tells. */
  readonly layer?: string | undefined;
  /** The engine's words, such as `Downloading`. */
  readonly status: string;
  readonly currentBytes?: number | undefined;
  readonly totalBytes?: number | undefined;
}

/** The image that a container shall have. */
export interface ImageRequest {
  readonly image: string;
  readonly pullPolicy: "missing" | "always" | "never";
  readonly platform?: string | undefined;
  readonly registryAuth?: RegistryAuth | undefined;
}

/** What an image says of itself. */
export interface ImageInfo {
  /** The engine's id, such as `sha256:…`. */
  readonly id: string;
  /** Such as `linux/amd64`. */
  readonly platform: string;
  /** Empty where none is set. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** Such as `SIGQUIT`; null where none is set. */
  readonly stopSignal: string | null;
}

/** A mount, as the engine is asked for it. */
export type Mount =
  | { readonly type: "bind"; readonly source: string; readonly target: string; readonly readOnly?: boolean | undefined }
  | {
      readonly type: "volume";
      readonly name: string;
      readonly target: string;
      readonly readOnly?: boolean | undefined;
      readonly labels?: Readonly<Record<string, string>> | undefined;
    }
  /** A volume of this container alone, removed with it. */
  | { readonly type: "anonymous"; readonly target: string }
  | { readonly type: "tmpfs"; readonly target: string; readonly sizeBytes?: number | undefined };

/** A port to publish. */
export interface PortRequest {
  readonly container: number;
  /** Never 0: the manager draws. */
  readonly host: number;
  readonly address: string;
  readonly protocol: "tcp" | "udp";
}

/** Limits in the units of the kernel; absent: none. */
export interface LimitRequest {
  readonly cpus?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly pids?: number | undefined;
  readonly diskBytes?: number | undefined;
  readonly shmBytes?: number | undefined;
}

/** Everything about a container that is to be made; normalised and checked by the manager. */
export interface ContainerSpec {
  /** Unique on the engine: the lock between processes. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Present locally already; absent only where `capabilities.images` is false. */
  readonly image?: string | undefined;
  readonly platform?: string | undefined;
  /** The whole program of PID 1; it replaces ENTRYPOINT and CMD. */
  readonly argv: readonly string[];
  /** Laid over the image's. */
  readonly environment: Readonly<Record<string, string>>;
  /** User of PID 1, `0:0` for the agent; absent: the image's. */
  readonly user?: string | undefined;
  /** Working folder of PID 1; absent: the image's. */
  readonly workingDir?: string | undefined;
  readonly mounts: readonly Mount[];
  readonly ports: readonly PortRequest[];
  /** All are joined before start. Empty: the engine's default. */
  readonly networks: readonly string[];
  readonly networkMode?: "none" | "internal" | "host" | undefined;
  readonly limits: LimitRequest;
  readonly ulimits: readonly Ulimit[];
  readonly gpus?: number | "all" | undefined;
  readonly dns: readonly string[];
  readonly extraHosts: readonly ExtraHost[];
  readonly runtime?: string | undefined;
  readonly readOnlyRootfs: boolean;
  /** The whole list that is kept; all others are dropped. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly tty: boolean;
  readonly stdinOpen: boolean;
  readonly autoRemove: boolean;
  /** What ends PID 1; absent: the image's. */
  readonly stopSignal?: string | undefined;
}

/** States of a container. `created`: never started. */
export type ContainerState = "created" | "running" | "paused" | "stopped";

/** A port that is published. */
export interface PortBinding {
  readonly container: number;
  readonly host: number;
  readonly address: string;
  readonly protocol: "tcp" | "udp";
}

/** Limits as the engine says it keeps them; null: none is in force. */
export interface AppliedLimits {
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  readonly pids: number | null;
}

/** A container in a list. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly state: ContainerState;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A container, looked at closely. */
export interface ContainerInfo extends ContainerSummary {
  readonly image: string;
  /** Milliseconds since the epoch; null where it never started. */
  readonly startedAt: number | null;
  /** Null where it never ended, or runs. */
  readonly finishedAt: number | null;
  /** Of PID 1; null where it never ended, or runs. */
  readonly exitCode: number | null;
  /** The engine's words where a start failed; empty otherwise. */
  readonly error: string;
  readonly ports: readonly PortBinding[];
  readonly limits: AppliedLimits;
  /** Names of joined networks, with the container's address in each where it has one. */
  readonly networks: Readonly<Record<string, string | null>>;
}

/** Where a container's port can be reached from this program. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What a container uses at the moment. */
export interface ContainerStats {
  /** Nanoseconds of CPU since start. */
  readonly cpuNanos: number;
  readonly memoryBytes: number;
  readonly pids: number;
}

/** Something that happened to a container. */
export interface BackendEvent {
  readonly type: "created" | "started" | "stopped" | "paused" | "unpaused" | "removed" | "oom";
  readonly id: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of PID 1, with `stopped`. */
  readonly exitCode?: number | undefined;
}

/** Options of `logs`. */
export interface LogOptions extends CallOptions {
  /** The last so many lines. Default: all. */
  readonly tail?: number | undefined;
  /** Goes on until the container ends or the iteration does. Default false. */
  readonly follow?: boolean | undefined;
}

/** A piece of what PID 1 wrote. */
export interface LogChunk {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

/**
 * What an engine must be able to do: make, start, stop, list and remove containers, and open one byte stream to a program
 * inside. Everything else is done by the agent. Every method rejects with a `PodkitError`; an engine that does not answer is
 * `unavailable`, a container that is not there `not_found`. Ids and names are both taken wherever an `id` is.
 */
export interface Backend {
  /** Version of this contract. */
  readonly specVersion: 1;
  /** Such as `docker`. */
  readonly name: string;
  /** @throws `invalid_state` before `connect` settled. */
  readonly capabilities: Capabilities;
  /** Finds the engine and learns what it can do. Calling it again gives the same answer without asking. */
  connect(options?: DeadlineOptions): Promise<EngineInfo>;
  /** Lets go of connections; containers go on. Idempotent. */
  close(): Promise<void>;

  /** Makes sure that the image is there, by the request's policy. @throws `not_found` naming the image, `unauthenticated`. */
  ensureImage(
    request: ImageRequest,
    options?: CallOptions & { readonly onProgress?: (progress: PullProgress) => void },
  ): Promise<ImageInfo>;
  /** @throws `not_found`; `unsupported` without the capability. */
  inspectImage(image: string, options?: DeadlineOptions): Promise<ImageInfo>;

  /**
   * Makes a container that has the agent's binary at {@link AGENT_PATH} (read-only) and a state folder at {@link AGENT_STATE_PATH}, and
   * does not start it. All or nothing: what a failure leaves is removed.
   * @throws `already_exists` where the name is taken, `not_found` naming a missing network, image or bind source, `unsupported`.
   */
  create(spec: ContainerSpec, agent: AgentSource, options?: DeadlineOptions): Promise<ContainerInfo>;
  /**
   * Starts it; running already is fine. Networks of the spec that are not joined yet (a creation that was cut) are joined before.
   * With `agent`, a backend whose engine lost that very agent's binary puts it there again.
   * @throws `conflict` with `details.reason: "port_taken"` and `details.port`.
   */
  start(id: string, options?: DeadlineOptions & { readonly agent?: AgentSource | undefined }): Promise<void>;
  /** Asks PID 1 to end and ends it after `graceMs` (default 2 000); stopped already is fine. */
  stop(id: string, options?: DeadlineOptions & { readonly graceMs?: number }): Promise<void>;
  /** Ends it at once; stopped already is fine. */
  kill(id: string, options?: DeadlineOptions): Promise<void>;
  /** Paused already is fine. */
  pause(id: string, options?: DeadlineOptions): Promise<void>;
  /** Running already is fine. */
  unpause(id: string, options?: DeadlineOptions): Promise<void>;
  /** Ends and removes it with its anonymous volumes; gone already is fine. */
  remove(id: string, options?: DeadlineOptions): Promise<void>;
  inspect(id: string, options?: DeadlineOptions): Promise<ContainerInfo>;
  /** Containers that have all of these labels, running or not. */
  list(labels: Readonly<Record<string, string>>, options?: DeadlineOptions): Promise<ContainerSummary[]>;
  logs(id: string, options?: LogOptions): AsyncIterable<LogChunk>;
  stats(id: string, options?: DeadlineOptions): Promise<ContainerStats>;
  /** What happens to containers with these labels, from now on, until the iteration ends. */
  events(labels: Readonly<Record<string, string>>, options?: CallOptions): AsyncIterable<BackendEvent>;

  /**
   * Starts `argv` inside, as root where the engine can, and gives its stdin and stdout as one stream; what it writes to stderr
   * comes with the stream's error. @throws `not_found`, `invalid_state` where the container does not run.
   */
  openStream(id: string, argv: readonly string[], options?: DeadlineOptions): Promise<ByteStream>;
  /** Where a port can be reached from here. @throws `not_found` where it was not published. */
  endpoint(
    id: string,
    port: number,
    options?: DeadlineOptions & { readonly protocol?: "tcp" | "udp" },
  ): Promise<Endpoint>;
}
