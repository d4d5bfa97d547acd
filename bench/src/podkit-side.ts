import { DockerBackend } from "@podkit/backend-docker";
import { ContainerManager } from "@podkit/manager";
import { SessionManager } from "@podkit/session";

/** Prefix of everything that a run makes. */
export const PREFIX = "pt-bench";

/** What one program wires to have sessions. */
export interface Stack {
  readonly manager: ContainerManager;
  readonly sessions: SessionManager;
  close(): Promise<void>;
}

/** Sessions as a program of its own would have them. */
export function openStack(image: string): Stack {
  const backend = new DockerBackend();
  const manager = new ContainerManager({ backend, prefix: PREFIX, defaultImage: image });
  const sessions = new SessionManager({ runtime: manager });
  return {
    manager,
    sessions,
    async close() {
      await sessions.shutdown();
      await manager.close();
      await backend.close();
    },
  };
}
