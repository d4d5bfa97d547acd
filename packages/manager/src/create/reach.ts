import { connectArgv } from "@podkit/agent";
import { type ContainerInfo, type DeadlineOptions, ENGINE_TIMEOUT_MS, PodkitError } from "@podkit/core";
import type { ConnectionTarget } from "../connection.js";
import type { Core } from "../core.js";
import { effective, type StoredRecord } from "../labels/record.js";
import { agentInit } from "../spec/spec.js";

/** How the agent of a container is reached; where it is not PID 1 the first connection starts it. */
export function connectionTarget(
  container: { readonly containerId: string; readonly name: string; readonly record: StoredRecord },
  anyUser: boolean,
): ConnectionTarget {
  const { containerId, name, record } = container;
  const argv =
    effective(record).agentAsInit === false ? connectArgv(agentInit(record, null, null, anyUser)) : connectArgv();
  return { containerId, containerName: name, argv };
}

/** A container by id or name, null where there is none. */
export async function lookUp(
  core: Pick<Core, "backend">,
  id: string,
  options: DeadlineOptions,
): Promise<ContainerInfo | null> {
  try {
    return await core.backend.inspect(id, { timeoutMs: ENGINE_TIMEOUT_MS, ...options });
  } catch (error) {
    if (PodkitError.is(error, "not_found")) return null;
    throw error;
  }
}

/** Whatever was thrown, as a podkit error. */
export function asPodkitError(error: unknown): PodkitError {
  if (PodkitError.is(error)) return error;
  return new PodkitError(
    "internal",
    `Something unexpected failed: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
}
