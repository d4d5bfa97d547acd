import type { ByteStream } from "@podkit/core";

/** The way to the agent of one container; the manager gives it, over a backend. */
export interface AgentLink {
  /**
   * Opens one byte stream to the agent. Where the container turns out to be paused it may wait for its end, with
   * `AgentClient.suspend` called meanwhile: then neither this attempt nor the grace runs out.
   */
  open(options: { readonly signal: AbortSignal }): Promise<ByteStream>;
  /** True where the engine confirms that this very container does not run any more; false or a rejection where that is not known. */
  isGone(): Promise<boolean>;
}
