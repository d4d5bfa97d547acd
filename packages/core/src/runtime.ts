import type { ContainerState, Endpoint, LogChunk, LogOptions, PortBinding } from "./backend.js";
import type { CallOptions } from "./call.js";
import type { ContainerConfig, OnConfigMismatch } from "./config.js";
import type { EventBus } from "./events.js";
import type { ExecHandle, ExecSinks, ExecSpec } from "./exec.js";
import type { FileSystem } from "./files.js";
import type { Identity, SessionId } from "./identity.js";
import type { ProcessTable } from "./processes.js";

/** What a session asks of the runtime. */
export interface OpenRequest extends SessionId {
  /** Absent: as it is, or the defaults where there is none. */
  readonly config?: ContainerConfig | undefined;
  /** Image where the config names none. Default: the runtime's. */
  readonly defaultImage?: string | undefined;
  /** Default `error`. */
  readonly onConfigMismatch?: OnConfigMismatch | undefined;
}

/** One limit and whether the engine keeps it. */
export interface LimitInfo {
  /** Null: none was asked for or set. */
  readonly value: number | null;
  readonly enforced: boolean;
}

/** A session's container as it is now. */
export interface SandboxInfo extends Identity {
  readonly containerId: string;
  readonly containerName: string;
  readonly state: ContainerState;
  /** Such as `docker`. */
  readonly backend: string;
  /** Version of the engine, and where it was found. */
  readonly engine: { readonly version: string; readonly endpoint: string };
  readonly image: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly exitCode: number | null;
  /** Milliseconds since the epoch; null where the container does not run. */
  readonly lastActivityAt: number | null;
  readonly ports: readonly PortBinding[];
  readonly networks: Readonly<Record<string, string | null>>;
  readonly limits: { readonly cpus: LimitInfo; readonly memoryBytes: LimitInfo; readonly pids: LimitInfo };
  /** Absolute path of the session's folder on this machine; null where there is no workspace. */
  readonly workspacePath: string | null;
  /** Version of the agent that the container was made with. */
  readonly agentVersion: string;
}

/** A session in a list. */
export interface SandboxSummary extends Identity {
  readonly containerId: string;
  readonly containerName: string;
  readonly state: ContainerState;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A TCP port that something in the container listens on. */
export interface ListeningPort {
  readonly port: number;
  /** Such as `0.0.0.0`. */
  readonly address: string;
  /** Null where it cannot be told. */
  readonly pid: number | null;
  readonly command: string | null;
  /** Background process that it belongs to; null where none. */
  readonly processId: string | null;
}

/**
 * The container of an identity, whichever that is at the moment: where it stopped by itself it is started again, where it
 * was removed from outside it is made again, by the next call that needs it.
 */
export interface Sandbox {
  readonly identity: Identity;
  readonly files: FileSystem;
  readonly processes: ProcessTable;
  info(options?: CallOptions): Promise<SandboxInfo>;
  exec(spec: ExecSpec, sinks: ExecSinks, options?: CallOptions): Promise<ExecHandle>;
  listPorts(options?: CallOptions): Promise<ListeningPort[]>;
  endpoint(port: number, options?: CallOptions & { readonly protocol?: "tcp" | "udp" }): Promise<Endpoint>;
  /** What PID 1 wrote; works on a stopped container too, and starts none. */
  logs(options?: LogOptions): AsyncIterable<LogChunk>;
  /** Ends everything inside and the container; its files stay. The next call that needs it starts it again. */
  stop(options?: CallOptions): Promise<void>;
  pause(options?: CallOptions): Promise<void>;
  resume(options?: CallOptions): Promise<void>;
  /** Removes the container; the host's workspace and named volumes stay. Gone already is fine. */
  remove(options?: CallOptions): Promise<void>;
  /** Lets go of the connection to the agent; the container goes on. Idempotent. */
  release(): Promise<void>;
}

/** What sessions and processes know of everything below them. */
export interface Runtime {
  readonly prefix: string;
  readonly events: EventBus;
  /**
   * Finds the container of an identity, or makes it; it runs and its agent answered when this settles. Callers at once share one
   * creation; an abort ends only the caller's waiting, and the creation itself where nobody waits for it any more.
   * @throws `invalid_argument` before any side effect; `conflict` where another configuration is there.
   */
  open(request: OpenRequest, options?: CallOptions): Promise<Sandbox>;
  /** The container of an identity where there is one, as it is: not started, nothing made. Null where there is none. */
  find(id: SessionId, options?: CallOptions): Promise<Sandbox | null>;
  /** All containers of this prefix. */
  list(options?: CallOptions): Promise<SandboxSummary[]>;
  /** Lets go of all connections; removes nothing. Idempotent. */
  close(): Promise<void>;
}
