import {
  type CallOptions,
  type Capabilities,
  type ContainerInfo,
  type LimitInfo,
  PodkitError,
  type SandboxInfo,
} from "@podkit/core";
import { connectionTarget } from "../create/reach.js";
import { LABEL_AGENT } from "../labels/labels.js";
import { effective, parseRecord, type StoredRecord } from "../labels/record.js";
import { getWorkspacePath } from "../paths.js";
import type { Current } from "./current.js";

/** How long an agent may take to say when it was last used, in ms; a busy one leaves it untold. */
const STATUS_TIMEOUT_MS = 3_000;

/** What is known of a sandbox's container now; nothing is started for it. @throws `not_found` where there is none. */
export async function sandboxInfo(current: Current, options: CallOptions): Promise<SandboxInfo> {
  const { core, identity, name } = current.options;
  const engine = await core.backend.connect(options);
  const info = await current.inspect(options);
  if (info === null) {
    throw new PodkitError("not_found", `Container ${name} is gone. The next command makes it again.`, {
      details: { containerName: name },
    });
  }
  const record = parseRecord(info.labels, name);
  const { userId, sessionId } = identity;
  return {
    ...identity,
    containerId: info.id,
    containerName: name,
    state: info.state,
    backend: core.backend.name,
    engine: { version: engine.version, endpoint: engine.endpoint },
    image: record.made.image,
    createdAt: info.createdAt,
    startedAt: info.startedAt,
    finishedAt: info.finishedAt,
    exitCode: info.exitCode,
    lastActivityAt: info.state === "running" ? await lastActivity(current, info, record, options) : null,
    ports: info.ports,
    networks: info.networks,
    limits: limits(record, info, core.backend.capabilities),
    workspacePath: core.workspace === undefined ? null : getWorkspacePath(core.workspace, userId, sessionId),
    agentVersion: (info.labels[LABEL_AGENT] ?? "").slice(0, 64),
  };
}

async function lastActivity(
  current: Current,
  info: ContainerInfo,
  record: StoredRecord,
  options: CallOptions,
): Promise<number | null> {
  const { core, name } = current.options;
  // Where the agent is not PID 1 a connection would start it.
  const starts = effective(record).agentAsInit === false;
  const asking = { ...options, timeoutMs: STATUS_TIMEOUT_MS };
  try {
    const target = connectionTarget({ containerId: info.id, name, record }, core.backend.capabilities.anyUser);
    const lease = starts ? core.connections.peek(info.id) : await core.connections.acquire(target, asking);
    if (lease === undefined) return null;
    try {
      return (await lease.agent.status(asking)).lastActivityAt;
    } finally {
      lease.release();
    }
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    core.logger.debug("an agent did not say when it was last used", { containerName: name, error });
    return null;
  }
}

function limits(record: StoredRecord, info: ContainerInfo, can: Capabilities): SandboxInfo["limits"] {
  const config = effective(record);
  const limit = (applied: number | null, wanted: number | undefined, able: boolean): LimitInfo => ({
    value: applied ?? wanted ?? null,
    enforced: able && applied !== null,
  });
  return {
    cpus: limit(info.limits.cpus, config.cpuLimit, can.cpuLimit),
    memoryBytes: limit(info.limits.memoryBytes, config.memoryLimit, can.memoryLimit),
    pids: limit(info.limits.pids, config.pidsLimit, can.pidsLimit),
  };
}
