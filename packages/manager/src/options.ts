import type { AgentSource, Backend, BeforeCreate, Clock, EventBus, Logger } from "@podkit/core";
import type { MountStrategy } from "./spec/mounts.js";

/** What a manager is made of. */
export interface ContainerManagerOptions {
  readonly backend: Backend;
  /** Tells one application's containers from another's. Default `podkit`. */
  readonly prefix?: string | undefined;
  /** Folder of this machine that holds the sessions' workspaces, each at `{workspace}/workspaces/{userId}/{sessionId}/`. Default: none. */
  readonly workspace?: string | undefined;
  /** Where the engine finds `workspace`, where that is another path than here. Default: the same. */
  readonly workspaceHost?: string | undefined;
  /** What is mounted beside a config's volumes. Default: the session's workspace folder at `workingDir`, where there is a workspace. */
  readonly mounts?: MountStrategy | undefined;
  /** The agent that is put into containers. Default: the one that `@podkit/agent` brings. */
  readonly agent?: AgentSource | undefined;
  /** Image where a config names none. Default: `PODKIT_DEFAULT_IMAGE`, else `python:3.11-alpine`. */
  readonly defaultImage?: string | undefined;
  /** May change a configuration before a container is made. */
  readonly beforeCreate?: BeforeCreate | undefined;
  /** Where events go. Default: a bus of its own, at `events`. */
  readonly events?: EventBus | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  /** The environment that defaults are taken of. Default: the process's, read once. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Milliseconds during which a cut connection to an agent is made again. Default: the agent client's. */
  readonly reconnectGraceMs?: number | undefined;
}
