import type { AgentSource, Backend } from "@podkit/core";
import { type BackendContext, createBackendContext, createMemoryBackend, MemoryEngine } from "../../src/index.js";

/** The in-memory engine needs no binary. */
export const noAgent: AgentSource = {
  version: "0.0.0",
  sha256: async () => "",
  binary: async () => new Uint8Array(),
};

/** Cases on a new in-memory engine, with a fault where one is given. Cleaning goes around the fault. */
export async function memoryContext(sabotage: (backend: Backend) => Backend = (same) => same): Promise<BackendContext> {
  const engine = new MemoryEngine();
  const honest = createMemoryBackend({ engine });
  await honest.connect();
  const context = createBackendContext({
    backend: sabotage(honest),
    newBackend: () => createMemoryBackend({ engine }),
    agent: noAgent,
    images: { busybox: "memory/busybox", static: "memory/static", crash: "memory/crash" },
    features: {
      shell: false,
      linux: false,
      tar: false,
      watch: false,
      workspace: false,
      twoNetworks: false,
      localPaths: false,
    },
  });
  const clean = async (): Promise<void> => {
    const left = await honest.list({ "dev.podkit.prefix": context.prefix });
    await Promise.all(left.map(({ id }) => honest.remove(id)));
  };
  return { ...context, clean };
}
