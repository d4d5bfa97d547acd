import { PodkitError, type RegistryAuth } from "@podkit/core";
import type { Asked, ConfigValues, FieldName } from "../config/asked.js";
import { refuseCombinations } from "./combinations.js";
import { imageReference } from "./image.js";
import { capabilities, gpus, ulimit } from "./kernel.js";
import { tmpfs, volume } from "./mounts.js";
import { extraHost, ipAddress, networkName, port } from "./network.js";
import { isRecord, refuse } from "./problem.js";
import { command, environment, labels, user, words } from "./program.js";
import { registryAuth } from "./registry.js";
import {
  boolean,
  bytes,
  cores,
  fieldsOf,
  integer,
  listOf,
  matching,
  milliseconds,
  mountTarget,
  oneOf,
  type Parse,
} from "./scalars.js";

const runtime = matching(
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,
  "it takes the name of one of the engine's runtimes, such as runsc",
);
const platform = matching(/^linux\/[a-z0-9]+(\/[a-z0-9]+)?$/, "it takes a platform such as linux/amd64 or linux/arm64");

/** Smallest memory limit that engines take; below it no agent starts. */
const LEAST_MEMORY = 6 * 1024 * 1024;

const memory: Parse<number> = (field, value) => {
  const size = bytes(field, value);
  return size >= LEAST_MEMORY ? size : refuse(field, value, 'it takes at least 6 MiB, such as "512m"');
};

const startupVerification: Parse<ConfigValues["startupVerification"]> = (field, value) => {
  const given = fieldsOf(field, value, ["timeoutMs", "logLines"]);
  const { timeoutMs, logLines } = given;
  return {
    ...(timeoutMs === undefined ? {} : { timeoutMs: milliseconds(`${field}.timeoutMs`, timeoutMs) }),
    ...(logLines === undefined
      ? {}
      : { logLines: integer(0, 10_000, "a number of lines")(`${field}.logLines`, logLines) }),
  };
};

const PARSERS: { readonly [K in FieldName]: Parse<ConfigValues[K]> } = {
  image: imageReference,
  inheritParentImage: boolean,
  inheritParentNetworks: boolean,
  pullPolicy: oneOf("missing", "always", "never"),
  platform,
  cpuLimit: cores,
  memoryLimit: memory,
  pidsLimit: integer(64, 4_194_304, "a number of processes (the agent needs some)"),
  diskLimit: bytes,
  shmSize: bytes,
  tmpfs: listOf(tmpfs),
  ulimits: listOf(ulimit),
  gpus,
  dns: listOf(ipAddress),
  extraHosts: listOf(extraHost),
  runtime,
  readOnlyRootfs: boolean,
  containerLifetimeMs: milliseconds,
  maxLifetimeMs: milliseconds,
  sessionInactivityTimeoutMs: milliseconds,
  entrypoint: words,
  command,
  useImageDefaults: boolean,
  agentAsInit: boolean,
  environment,
  workingDir: mountTarget,
  user,
  volumes: listOf(volume),
  ports: listOf(port),
  networks: listOf(networkName),
  network: oneOf("none", "internal", "host"),
  capabilities,
  noNewPrivileges: boolean,
  tty: boolean,
  stdinOpen: boolean,
  autoRemove: boolean,
  startupVerification,
  labels,
};

/** Names of the fields that are stored. */
export const FIELD_NAMES: readonly FieldName[] = Object.keys(PARSERS).filter((key): key is FieldName => key in PARSERS);

/** A configuration that was checked. */
export interface CheckedConfig {
  readonly asked: Asked;
  /** Only in memory: never stored, logged or put into an error. */
  readonly registryAuth: RegistryAuth | undefined;
}

/**
 * Checks a whole configuration by hand, with no side effect.
 * @throws `invalid_argument` naming the field and what would be right; never anything else, whatever is given.
 */
export function checkConfig(config: unknown): CheckedConfig {
  try {
    return check(config);
  } catch (error) {
    if (PodkitError.is(error, "invalid_argument")) throw error;
    throw new PodkitError("invalid_argument", "The configuration could not be read: reading one of its fields threw.", {
      cause: error,
    });
  }
}

function check(config: unknown): CheckedConfig {
  if (config === undefined) return { asked: {}, registryAuth: undefined };
  if (!isRecord(config)) return refuse("config", config, "it takes an object");
  const given = fieldsOf("config", config, [...FIELD_NAMES, "registryAuth"]);
  const values: { -readonly [K in FieldName]?: ConfigValues[K] } = {};
  for (const name of FIELD_NAMES) {
    const value = given[name];
    if (value !== undefined) put(values, name, value);
  }
  refuseCombinations(values);
  const auth = given["registryAuth"];
  return { asked: values, registryAuth: auth === undefined ? undefined : registryAuth("registryAuth", auth) };
}

function put<K extends FieldName>(
  values: { -readonly [N in FieldName]?: ConfigValues[N] },
  name: K,
  value: unknown,
): void {
  values[name] = PARSERS[name](name, value);
}
