import type { Backend, Clock } from "@podkit/core";
import {
  createMemoryBackend,
  createSessionContext,
  MemoryEngine,
  type MemoryImage,
  newPrefix,
  type SessionContext,
} from "@podkit/testing";
import { WiredHarness } from "./harness.js";

/** Sessions on a new in-memory engine. */
export interface MemorySessions {
  readonly context: SessionContext;
  readonly harness: WiredHarness;
  readonly backend: Backend;
}

/** Wires sessions over the in-memory engine. */
export async function memorySessions(
  options: { readonly clock?: Clock; readonly images?: ReadonlyMap<string, MemoryImage> } = {},
): Promise<MemorySessions> {
  const engine = new MemoryEngine(options);
  const backend = createMemoryBackend({ engine });
  await backend.connect();
  const prefix = newPrefix();
  const agent = { version: "0.0.0", sha256: async () => "0".repeat(64), binary: async () => new Uint8Array() };
  const newBackend = (): Backend => createMemoryBackend({ engine });
  const harness = new WiredHarness({ newBackend, prefix, defaultImage: "memory/busybox", agent });
  const context = createSessionContext({
    backend,
    harness,
    prefix,
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
  return { context, harness, backend };
}
