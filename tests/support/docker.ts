import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentSource } from "@podkit/agent";
import { DockerBackend } from "@podkit/backend-docker";
import type { EventBus } from "@podkit/core";
import {
  type BackendContext,
  createBackendContext,
  createSessionContext,
  type Feature,
  newPrefix,
  type SessionContext,
} from "@podkit/testing";
import Docker from "dockerode";
import { WiredHarness } from "./harness.js";

/** Images of scripts/images.sh. */
export const IMAGES = {
  base: "podkit-test/base:1",
  busybox: "podkit-test/busybox:1",
  static: "podkit-test/static:1",
  user: "podkit-test/user:1",
  crash: "podkit-test/crash:1",
  nginx: "podkit-test/nginx:1",
} as const;

const FEATURES: Readonly<Record<Feature, boolean>> = {
  shell: true,
  linux: true,
  tar: true,
  watch: true,
  workspace: true,
  twoNetworks: true,
  localPaths: true,
};

/** Docker as the tests use it: contexts of both levels, and a second way to look at the engine. */
export interface DockerSetup {
  readonly prefix: string;
  readonly docker: Docker;
  readonly backendContext: BackendContext;
  readonly sessionContext: SessionContext;
  readonly harness: WiredHarness;
  readonly workspace: string;
  /** Removes all that this run made. */
  close(): Promise<void>;
}

/** Connects to Docker, which must answer, and makes two networks and a workspace folder. */
export async function dockerSetup(options: { readonly events?: EventBus } = {}): Promise<DockerSetup> {
  const prefix = newPrefix();
  const docker = new Docker();
  const backend = new DockerBackend();
  await backend.connect({ timeoutMs: 30_000 });
  await removeStale(docker);
  const networks = [`${prefix}-net-a`, `${prefix}-net-b`];
  for (const name of networks) await docker.createNetwork({ Name: name, Labels: { "dev.podkit.prefix": prefix } });
  const workspace = await mkdtemp(join(tmpdir(), `${prefix}-workspace-`));
  const newBackend = (): DockerBackend => new DockerBackend();
  const onClean = (): Promise<void> => removeVolumes(docker, prefix);
  const shared = { backend, images: IMAGES, features: FEATURES, prefix, networks, onClean };
  const harness = new WiredHarness({ newBackend, prefix, defaultImage: IMAGES.busybox, workspace, ...options });
  const backendContext = createBackendContext({ ...shared, agent: agentSource(), newBackend });
  const sessionContext = createSessionContext({ ...shared, harness, workspace });
  return {
    prefix,
    docker,
    backendContext,
    sessionContext,
    harness,
    workspace,
    async close() {
      await harness.close();
      await sessionContext.clean();
      for (const name of networks) await docker.getNetwork(name).remove();
      await rm(workspace, { recursive: true, force: true });
      await backend.close();
    },
  };
}

async function removeVolumes(docker: Docker, prefix: string): Promise<void> {
  const { Volumes } = await docker.listVolumes();
  const ours = Volumes.filter(({ Name }) => Name.startsWith(`${prefix}-`));
  for (const { Name } of ours) await docker.getVolume(Name).remove({ force: true });
}

/** Removes networks of earlier runs that were killed; containers and volumes of theirs bear the same kind of prefix. */
async function removeStale(docker: Docker): Promise<void> {
  const containers = await docker.listContainers({ all: true, filters: { label: ["dev.podkit.prefix"] } });
  const stale = containers.filter(({ Labels, Created }) => isStale(Labels["dev.podkit.prefix"], Created));
  for (const { Id } of stale) await docker.getContainer(Id).remove({ force: true, v: true });
  for (const network of await docker.listNetworks({ filters: { label: ["dev.podkit.prefix"] } })) {
    const created = Date.parse(network.Created) / 1000;
    if (isStale(network.Labels?.["dev.podkit.prefix"], created)) await docker.getNetwork(network.Id).remove();
  }
}

/** A test's, and older than a run takes. */
function isStale(prefix: string | undefined, createdSeconds: number): boolean {
  return prefix?.startsWith("pt-") === true && Date.now() / 1000 - createdSeconds > 3_600;
}
