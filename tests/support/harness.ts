import type { AgentSource, Backend, EventBus, SessionHarness } from "@podkit/core";
import { ContainerManager } from "@podkit/manager";
import { SessionManager } from "@podkit/session";

/** What sessions are wired from. */
export interface HarnessOptions {
  /** A new backend on the engine under test, not connected. */
  readonly newBackend: () => Backend;
  readonly prefix: string;
  /** Absent where the engine has no images. */
  readonly defaultImage?: string | undefined;
  readonly workspace?: string | undefined;
  readonly agent?: AgentSource | undefined;
  readonly events?: EventBus | undefined;
}

/** Manager and session over a backend. `fresh` shares nothing but the engine, as another program would. */
export class WiredHarness implements SessionHarness {
  readonly #options: HarnessOptions;
  readonly #all: SessionManager[] = [];
  readonly #shared: SessionManager;

  constructor(options: HarnessOptions) {
    this.#options = options;
    this.#shared = this.#wire();
  }

  open: SessionHarness["open"] = ({ fresh, ...request }) =>
    (fresh === true ? this.#wire() : this.#shared).createSession(request);

  /** Lets go of all connections. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((sessions) => sessions.shutdown()));
  }

  #wire(): SessionManager {
    const { newBackend, prefix, defaultImage, workspace, agent, events } = this.#options;
    const runtime = new ContainerManager({ backend: newBackend(), prefix, defaultImage, workspace, agent, events });
    const sessions = new SessionManager({ runtime });
    this.#all.push(sessions);
    return sessions;
  }
}
