import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentSource, Backend, SessionHarness } from "@podkit/core";
import type { BackendContext, CaseContext, Feature, ImageName, SessionContext } from "./types.js";

/** What the two contexts are made of. */
export interface ContextOptions {
  /** Connected. */
  readonly backend: Backend;
  readonly images: Readonly<Partial<Record<ImageName, string>>> & { readonly busybox: string };
  readonly features: Readonly<Record<Feature, boolean>>;
  /** Default: `pt-` and six random digits, so that runs at once do not meet. */
  readonly prefix?: string;
  readonly networks?: readonly string[];
  /** Where temporary folders are made. Default: the system's. */
  readonly tempRoot?: string;
  /** Removes what else the cases leave on the engine, such as named volumes of the prefix. */
  readonly onClean?: (prefix: string) => Promise<void>;
}

/** A prefix that no other run has. */
export function newPrefix(): string {
  return `pt-${randomBytes(3).toString("hex")}`;
}

function commonContext(options: ContextOptions, prefix: string): CaseContext {
  const { backend } = options;
  const folders: string[] = [];
  return {
    backend,
    images: options.images,
    features: options.features,
    prefix,
    networks: options.networks ?? [],
    async tempDir() {
      const folder = await mkdtemp(join(options.tempRoot ?? tmpdir(), `${prefix}-`));
      folders.push(folder);
      return folder;
    },
    async clean() {
      const left = await backend.list({ "dev.podkit.prefix": prefix });
      await Promise.all(left.map(({ id }) => backend.remove(id)));
      await options.onClean?.(prefix);
      await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
    },
  };
}

/** The context of a backend's cases. */
export function createBackendContext(
  options: ContextOptions & { readonly agent: AgentSource; readonly newBackend: () => Backend },
): BackendContext {
  const prefix = options.prefix ?? newPrefix();
  let count = 0;
  return {
    ...commonContext(options, prefix),
    agent: options.agent,
    newBackend: options.newBackend,
    newName: () => `${prefix}-${(count++).toString(36)}-${randomBytes(4).toString("hex")}`,
  };
}

/** The context of a session's cases. `prefix` is the one that the harness was made with. */
export function createSessionContext(
  options: ContextOptions & {
    readonly harness: SessionHarness;
    readonly workspace?: string | null;
    readonly prefix: string;
  },
): SessionContext {
  let count = 0;
  return {
    ...commonContext(options, options.prefix),
    harness: options.harness,
    workspace: options.workspace ?? null,
    newId: () => ({ userId: `u${count}`, sessionId: `s${count++}-${randomBytes(3).toString("hex")}` }),
  };
}
