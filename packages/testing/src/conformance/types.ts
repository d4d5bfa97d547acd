import type { AgentSource, Backend, Capabilities, SessionHarness, SessionId } from "@podkit/core";

/** Images that the cases use. Only `busybox` must be there; cases that need another name it in `needs`. */
export type ImageName = "base" | "busybox" | "static" | "user" | "crash" | "nginx";

/**
 * What lies around a backend and is in no capability record.
 * `shell`: commands may run under `/bin/sh`. `linux`: a real kernel is below, with users, `/proc`, signals and process trees.
 * `tar`, `watch`: the agent has them. `workspace`: sessions have a folder on this machine. `twoNetworks`: `context.networks` holds
 * two networks that exist. `localPaths`: bind sources are paths of this machine.
 */
export type Feature = "shell" | "linux" | "tar" | "watch" | "workspace" | "twoNetworks" | "localPaths";

/** Something that a case cannot do without. */
export type Need = keyof Capabilities | Feature | `image:${ImageName}` | `networkMode:${"none" | "internal" | "host"}`;

/** What both levels have. */
export interface CaseContext {
  /** Connected. At session level it is a second way to the same engine: to kill, count and look. */
  readonly backend: Backend;
  readonly images: Readonly<Partial<Record<ImageName, string>>>;
  readonly features: Readonly<Record<Feature, boolean>>;
  /** Stands in `dev.podkit.prefix` of every container that the cases make; nothing else has it. */
  readonly prefix: string;
  /** Names of networks that exist; two where the feature `twoNetworks` is there. */
  readonly networks: readonly string[];
  /** A new folder on this machine that the engine can mount. */
  tempDir(): Promise<string>;
  /** Removes what a case left. Called after each one. */
  clean(): Promise<void>;
}

/** What a backend's cases run on. */
export interface BackendContext extends CaseContext {
  readonly agent: AgentSource;
  /** Another backend on the same engine, not connected. */
  newBackend(): Backend;
  /** A container name that nobody has. */
  newName(): string;
}

/** What a session's cases run on. */
export interface SessionContext extends CaseContext {
  readonly harness: SessionHarness;
  /** The folder below which sessions have their workspaces; null where the feature `workspace` is missing. */
  readonly workspace: string | null;
  /** Ids that nobody has. */
  newId(): SessionId;
}

/** One named case. */
export interface ConformanceCase<C extends CaseContext = CaseContext> {
  /** Stable, such as `exec.exit-code`. */
  readonly id: string;
  /** Rows of the behaviour list that it shows. */
  readonly rows: readonly number[];
  /** What holds, after its rows. */
  readonly title: string;
  readonly level: "backend" | "session";
  readonly needs: readonly Need[];
  /** Milliseconds that it may take. Default 60 000. */
  readonly timeoutMs?: number;
  run(context: C): Promise<void>;
  /** Where a capability is missing: shows that asking for it is refused before anything is made. Absent where nothing can be asked for. */
  refuse?(context: C): Promise<void>;
}

/** A case that runs on a backend. */
export type BackendCase = ConformanceCase<BackendContext>;

/** A case that runs on sessions. */
export type SessionCase = ConformanceCase<SessionContext>;

/** How a case went. */
export interface CaseOutcome {
  readonly id: string;
  readonly title: string;
  readonly level: "backend" | "session";
  /** `unsupported`: a need is not met (and, where it can be asked for, it was refused as it must be). */
  readonly outcome: "passed" | "failed" | "unsupported";
  /** What is missing, or how it failed. Absent where it passed. */
  readonly reason?: string;
  /** What it failed with. */
  readonly error?: unknown;
}
