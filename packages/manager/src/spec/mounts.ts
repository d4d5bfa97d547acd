import type { ContainerConfig, Identity, Mount } from "@podkit/core";
import type { Asked } from "../config/asked.js";
import { LABEL_APP_PREFIX, LABEL_USER } from "../labels/labels.js";
import { mount } from "../labels/made.js";
import { volumeName } from "../names.js";
import { getWorkspacePath } from "../paths.js";
import { refuse } from "../validate/problem.js";
import { mountTarget } from "../validate/scalars.js";

/** What a mount strategy decides by. */
export interface MountContext {
  readonly userId: string;
  readonly sessionId: string;
  /** The workspace on this machine, an absolute path. @throws `invalid_argument` when read where the manager has none. */
  readonly workspace: string;
  /** Where the engine finds the workspace. @throws as `workspace`. */
  readonly workspaceHost: string;
  /** The checked configuration, with its defaults. */
  readonly config: ContainerConfig;
}

/** Says what is mounted beside the config's own volumes; called once, when a container is made. */
export type MountStrategy = (context: MountContext) => readonly Mount[] | Promise<readonly Mount[]>;

/** Mounts the session's folder of the workspace at `workingDir`; the default where a workspace is given. */
export const workspaceMount: MountStrategy = ({ workspaceHost, userId, sessionId, config }) => {
  const target = config.workingDir ?? "/workspace";
  // A volume that the caller put there is what they want there.
  if ((config.volumes ?? []).some((volume) => volume.target === target)) return [];
  return [{ type: "bind", source: getWorkspacePath(workspaceHost, userId, sessionId), target }];
};

/** Everything that is mounted: the strategy's, then the config's volumes and tmpfs. @throws `invalid_argument` where two have one target. */
export function allMounts(fromStrategy: readonly Mount[], config: Asked, identity: Identity): Mount[] {
  const mounts = [
    ...fromStrategy.map((entry, index) => {
      const checked = mount(`mounts[${index}]`, entry);
      mountTarget(`mounts[${index}].target`, checked.target);
      return checked;
    }),
    ...(config.volumes ?? []).map((volume): Mount => volumeMount(volume, identity)),
    ...(config.tmpfs ?? []).map(
      ({ target, size }): Mount =>
        size === undefined ? { type: "tmpfs", target } : { type: "tmpfs", target, sizeBytes: size },
    ),
  ];
  const targets = mounts.map(({ target }) => target);
  const twice = targets.find((target, index) => targets.indexOf(target) !== index);
  if (twice !== undefined) refuse("mounts", twice, "two mounts have this target");
  const workingDir = config.workingDir ?? "/workspace";
  // With a read-only root nothing could be written but here, and sessions are for writing.
  if (config.readOnlyRootfs === true && !targets.includes(workingDir))
    mounts.push({ type: "anonymous", target: workingDir });
  return mounts;
}

function volumeMount(volume: { source: string; target: string; readOnly: boolean }, identity: Identity): Mount {
  const { source, target, readOnly } = volume;
  if (source.startsWith("/")) return { type: "bind", source, target, readOnly };
  const labels = { [LABEL_APP_PREFIX]: identity.prefix, [LABEL_USER]: identity.userId };
  return { type: "volume", name: volumeName(identity.prefix, identity.userId, source), target, readOnly, labels };
}
