import type { ByteStream } from "@podkit/core";

/** The way to the agent of one container; the manager gives it, over a backend. */
export interface AgentLink {
  /** Opens one byte stream to the agent. */
  open(options: { readonly signal: AbortSignal }): Promise<ByteStream>;
  /** True where the engine confirms that this very container does not run any more; false or a rejection where that is not known. */
  isGone(): Promise<boolean>;
  /** True where the engine says that it is paused, by whomever. Absent: only `AgentClient.suspend` tells of a pause. */
  isPaused?(): Promise<boolean>;
}
