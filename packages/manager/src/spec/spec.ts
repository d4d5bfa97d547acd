import { type AgentInit, initArgv, runAsArgv } from "@podkit/agent";
import type { Capabilities, ContainerSpec, Identity, LimitRequest } from "@podkit/core";
import type { Asked } from "../config/asked.js";
import { stopsWhenIdle } from "../config/defaults.js";
import { identityLabels, LABEL_AGENT, LABEL_SCHEMA, LABEL_SPEC } from "../labels/labels.js";
import { effective, RECORD_SCHEMA, type StoredRecord, serializeRecord } from "../labels/record.js";
import { keptCapabilities } from "./capabilities.js";

/** What a spec is made of. */
export interface SpecParts {
  readonly identity: Identity;
  readonly name: string;
  readonly record: StoredRecord;
  /** The whole program beside the agent or in its place; null: none. */
  readonly program: readonly string[] | null;
  /** The image's own stop signal. */
  readonly stopSignal: string | null;
  readonly agentVersion: string;
  readonly can: Capabilities;
}

/** The container that an engine is asked for. Pure. @throws `invalid_argument` where the stored record is too large. */
export function containerSpec(parts: SpecParts): ContainerSpec {
  const { record, can } = parts;
  const config = effective(record);
  return {
    name: parts.name,
    labels: labelsOf(parts, config),
    ...(can.images ? { image: record.made.image } : {}),
    ...(config.platform === undefined ? {} : { platform: config.platform }),
    ...pidOne(parts, config),
    environment: config.environment ?? {},
    mounts: record.made.mounts,
    ports: record.made.ports,
    networks: record.made.networks,
    ...(config.network === undefined ? {} : { networkMode: config.network }),
    limits: limitsOf(config, can),
    ulimits: config.ulimits ?? [],
    ...(config.gpus === undefined ? {} : { gpus: config.gpus }),
    dns: config.dns ?? [],
    extraHosts: config.extraHosts ?? [],
    ...(config.runtime === undefined ? {} : { runtime: config.runtime }),
    readOnlyRootfs: config.readOnlyRootfs ?? false,
    capabilities: keptCapabilities(config.capabilities),
    noNewPrivileges: (config.noNewPrivileges ?? true) && can.noNewPrivileges,
    tty: config.tty ?? false,
    stdinOpen: config.stdinOpen ?? false,
    autoRemove: config.autoRemove ?? false,
  };
}

/** What the agent of a container is told at its start. */
export function agentInit(
  record: StoredRecord,
  program: readonly string[] | null,
  stopSignal: string | null,
  anyUser: boolean,
): AgentInit {
  const config = effective(record);
  return {
    lifetimeMs: stopsWhenIdle(config) ? (config.containerLifetimeMs ?? null) : null,
    maxLifetimeMs: config.maxLifetimeMs ?? null,
    user: anyUser ? record.made.user : null,
    workingDir: config.workingDir ?? "/workspace",
    program,
    programStopSignal: program === null ? null : stopSignal,
  };
}

function pidOne(parts: SpecParts, config: Asked): Pick<ContainerSpec, "argv" | "user" | "workingDir" | "stopSignal"> {
  const { record, program, stopSignal, can } = parts;
  const asked = config.user === undefined ? {} : { user: config.user };
  if (config.agentAsInit === false && program !== null) {
    const workingDir = config.workingDir ?? "/workspace";
    const { user } = record.made;
    if (!can.anyUser || user === null || isRoot(user)) return { argv: program, ...asked, workingDir };
    return { argv: runAsArgv(user, program), user: "0:0", workingDir };
  }
  return {
    argv: initArgv(agentInit(record, program, stopSignal, can.anyUser)),
    ...(can.anyUser ? { user: "0:0" } : asked),
    // The agent makes the working folder itself, for the right user.
    workingDir: "/",
    // An image's own signal would mean nothing to the agent.
    stopSignal: "SIGTERM",
  };
}

function isRoot(user: string): boolean {
  return /^(root|0)(:(root|0))?$/.test(user);
}

function labelsOf(parts: SpecParts, config: Asked): Readonly<Record<string, string>> {
  return {
    ...config.labels,
    ...identityLabels(parts.identity),
    [LABEL_SPEC]: serializeRecord(parts.record),
    [LABEL_SCHEMA]: String(RECORD_SCHEMA),
    [LABEL_AGENT]: parts.agentVersion,
  };
}

/** What was asked for and cannot be kept was refused before; a default that cannot be kept is left out. */
function limitsOf(config: Asked, can: Capabilities): LimitRequest {
  const { cpuLimit, memoryLimit, pidsLimit, diskLimit, shmSize } = config;
  return {
    ...(cpuLimit === undefined || !can.cpuLimit ? {} : { cpus: cpuLimit }),
    ...(memoryLimit === undefined || !can.memoryLimit ? {} : { memoryBytes: memoryLimit }),
    ...(pidsLimit === undefined || !can.pidsLimit ? {} : { pids: pidsLimit }),
    ...(diskLimit === undefined ? {} : { diskBytes: diskLimit }),
    ...(shmSize === undefined ? {} : { shmBytes: shmSize }),
  };
}
