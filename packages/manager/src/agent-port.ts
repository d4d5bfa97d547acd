import type { AgentLink, AgentStatus } from "@podkit/agent";
import type {
  CallOptions,
  Clock,
  DeadlineOptions,
  ExecHandle,
  ExecSinks,
  ExecSpec,
  FileSystem,
  ListeningPort,
  Logger,
  PodkitError,
  ProcessTable,
} from "@podkit/core";

/** What the manager uses of the agent's client; tests give their own. */
export interface AgentPort {
  readonly files: FileSystem;
  readonly processes: ProcessTable;
  connect(options?: DeadlineOptions): Promise<unknown>;
  exec(spec: ExecSpec, sinks: ExecSinks, options?: CallOptions): Promise<ExecHandle>;
  listPorts(options?: CallOptions): Promise<ListeningPort[]>;
  status(options?: DeadlineOptions): Promise<AgentStatus>;
  shutdown(options?: CallOptions & { graceMs?: number }): Promise<void>;
  onGone(listener: (error: PodkitError) => void): () => void;
  /** No pings and no deadlines while the container is paused. */
  suspend(): void;
  resumeLink(): void;
  close(): Promise<void>;
}

/** Makes the client of one container's agent. */
export type AgentFactory = (options: {
  readonly link: AgentLink;
  readonly reconnectGraceMs?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}) => AgentPort;
