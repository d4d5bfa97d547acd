import {
  type ContainerConfig,
  type ContainerInfo,
  type ContainerSpec,
  type ImageInfo,
  type Mount,
  type PortRequest,
  withDeadline,
} from "@podkit/core";
import type { Asked } from "../config/asked.js";
import { sameAsked } from "../config/compare.js";
import { defaultsFor } from "../config/defaults.js";
import { namesOf, pick } from "../config/fields.js";
import { type Core, facts } from "../core.js";
import { effective, type Made, type StoredRecord } from "../labels/record.js";
import { findParent, parentNetworks } from "../parent.js";
import { resolvePorts } from "../ports/draw.js";
import { allMounts, type MountContext } from "../spec/mounts.js";
import { programOf } from "../spec/program.js";
import { containerSpec } from "../spec/spec.js";
import { refuseMounts, refuseUnsupported } from "../spec/unsupported.js";
import { type CheckedConfig, checkConfig } from "../validate/config.js";
import { refuse } from "../validate/problem.js";
import { makeWorkspace } from "../workspace.js";
import type { Wanted } from "./types.js";

/** A pull may take long; one that takes longer than this is stuck. */
const IMAGE_TIMEOUT_MS = 3_600_000;

/** A container that is to be made. */
export interface Plan {
  readonly record: StoredRecord;
  readonly spec: ContainerSpec;
}

interface Decided {
  readonly asked: Asked;
  readonly defaults: Asked;
  readonly replaced: Asked;
}

/**
 * Decides everything about a container before it is made: checks, asks the hook, makes sure of the image, draws ports, makes the workspace's folder.
 * @param avoid Host ports that turned out to be taken.
 */
export async function planContainer(
  core: Core,
  wanted: Wanted,
  avoid: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<Plan> {
  const { backend } = core;
  const engine = await backend.connect({ signal });
  const can = backend.capabilities;
  refuseUnsupported(wanted.asked, can, backend.name);
  const { decided, registryAuth } = await decide(core, wanted);
  refuseUnsupported(decided.asked, can, backend.name);
  const config = effective(decided);
  const needsParent = config.inheritParentImage === true || config.inheritParentNetworks === true;
  const mounting = mountsFor(core, wanted, config);
  mounting.catch(() => undefined);
  const parent =
    needsParent && wanted.remembered === undefined ? await findParent(backend, core.parent, { signal }) : undefined;
  const imageName = wanted.remembered?.made.image ?? parentImage(config, parent) ?? config.image ?? wanted.defaultImage;
  core.events.emit({ type: "container.creating", ...facts(core, wanted), image: imageName });
  const [image, mounts, ports] = await Promise.all([
    can.images ? ensureImage(core, { ...wanted, registryAuth }, config, imageName, signal) : null,
    mounting,
    resolvePorts(config.ports ?? [], {
      draw: core.draw,
      local: engine.local,
      remembered: wanted.remembered?.made.ports ?? [],
      avoid,
    }),
  ]);
  refuseMounts(mounts, can, backend.name);
  const networks = wanted.remembered?.made.networks ?? joined(config, parent);
  return assemble(core, wanted, decided, { imageName, image, mounts, ports, networks });
}

interface Resolved {
  readonly imageName: string;
  readonly image: ImageInfo | null;
  readonly mounts: readonly Mount[];
  readonly ports: readonly PortRequest[];
  readonly networks: readonly string[];
}

function assemble(core: Core, wanted: Wanted, decided: Decided, resolved: Resolved): Plan {
  const config = effective(decided);
  const { imageName, image, mounts, ports, networks } = resolved;
  const program = programOf(config, image, imageName);
  const made: Made = {
    image: imageName,
    imageId: image?.id ?? "",
    ...(image === null ? {} : { platform: image.platform }),
    user: config.user ?? (image === null || image.user === "" ? null : image.user),
    ports,
    mounts,
    networks,
    program: program !== null,
  };
  const record: StoredRecord = { ...decided, made };
  const spec = containerSpec({
    identity: wanted.identity,
    name: wanted.name,
    record,
    program,
    stopSignal: image?.stopSignal ?? null,
    agentVersion: core.agent.version,
    can: core.backend.capabilities,
  });
  return { record, spec };
}

/** What is asked after the hook, its defaults, and what the hook changed; the login beside it, as it is never stored. */
async function decide(core: Core, wanted: Wanted): Promise<{ decided: Decided; registryAuth: Wanted["registryAuth"] }> {
  if (wanted.remembered !== undefined) return { decided: wanted.remembered, registryAuth: wanted.registryAuth };
  const before = wanted.asked;
  const { asked, registryAuth } = core.beforeCreate === undefined ? wanted : await hooked(core, wanted);
  const decided = { asked, defaults: defaultsFor(asked, wanted.defaultImage), replaced: changed(before, asked) };
  return { decided, registryAuth };
}

async function hooked(core: Core, wanted: Wanted): Promise<CheckedConfig> {
  const { userId, sessionId } = wanted.identity;
  const { asked, registryAuth } = wanted;
  const given: ContainerConfig = { ...asked, ...(registryAuth === undefined ? {} : { registryAuth }) };
  return checkConfig(await core.beforeCreate?.(given, { userId, sessionId }));
}

function changed(before: Asked, after: Asked): Asked {
  const differing = namesOf(before).filter((field) => !sameAsked(pick(before, [field]), pick(after, [field])));
  return pick(before, differing);
}

function parentImage(config: Asked, parent: ContainerInfo | undefined): string | undefined {
  return config.inheritParentImage === true ? parent?.image : undefined;
}

function joined(config: Asked, parent: ContainerInfo | undefined): readonly string[] {
  const inherited = config.inheritParentNetworks === true && parent !== undefined ? parentNetworks(parent) : [];
  return [...new Set([...(config.networks ?? []), ...inherited])];
}

async function mountsFor(core: Core, wanted: Wanted, config: Asked): Promise<readonly Mount[]> {
  const { userId, sessionId } = wanted.identity;
  if (core.workspace !== undefined) await makeWorkspace(core.workspace, userId, sessionId);
  if (wanted.remembered !== undefined) return wanted.remembered.made.mounts;
  return allMounts(await core.mounts(mountContext(core, wanted, config)), config, wanted.identity);
}

function mountContext(core: Core, wanted: Wanted, config: Asked): MountContext {
  const { userId, sessionId } = wanted.identity;
  const given = (path: string | undefined): string =>
    path ?? refuse("workspace", undefined, "the mount strategy reads it, so give the manager a workspace");
  return {
    userId,
    sessionId,
    config: { ...config },
    get workspace() {
      return given(core.workspace);
    },
    get workspaceHost() {
      return given(core.workspaceHost);
    },
  };
}

async function ensureImage(
  core: Core,
  wanted: Wanted,
  config: Asked,
  image: string,
  signal: AbortSignal,
): Promise<ImageInfo> {
  let pulled = false;
  const request = {
    image,
    pullPolicy: config.pullPolicy ?? "missing",
    ...(config.platform === undefined ? {} : { platform: config.platform }),
    ...(wanted.registryAuth === undefined ? {} : { registryAuth: wanted.registryAuth }),
  };
  const info = await withDeadline(`Getting image ${image}`, { signal, timeoutMs: IMAGE_TIMEOUT_MS }, (both) =>
    core.backend.ensureImage(request, {
      signal: both,
      onProgress: (progress) => {
        pulled = true;
        core.events.emit({ type: "image.pulling", ...facts(core, wanted), progress });
      },
    }),
  );
  if (pulled) core.events.emit({ type: "image.pulled", ...facts(core, wanted), image });
  return info;
}
