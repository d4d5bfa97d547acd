import type { Asked } from "./asked.js";
import { namesOf, pick } from "./fields.js";

/** The image where nobody names one. */
export const DEFAULT_IMAGE = "python:3.11-alpine";

/** How long a start may take, in ms. */
export const STARTUP_TIMEOUT_MS = 30_000;

/** How many log lines a failed start shows. */
export const STARTUP_LOG_LINES = 100;

/** How long a program must live to have started, in ms. */
export const PROGRAM_LIVES_MS = 500;

/** True where the container stops by itself after a rest: nothing was asked for that runs instead. */
export function stopsWhenIdle(asked: Asked): boolean {
  return (
    asked.entrypoint === undefined &&
    asked.command === undefined &&
    asked.useImageDefaults !== true &&
    asked.agentAsInit !== false
  );
}

/**
 * The values of the fields that were not asked for. They are stored with the container, so that a later version with other defaults
 * knows what it has. Fields that have none are left out: they are the engine's.
 */
export function defaultsFor(asked: Asked, image: string): Asked {
  const defaults: Asked = {
    ...(asked.inheritParentImage === true ? {} : { image }),
    inheritParentImage: false,
    inheritParentNetworks: false,
    cpuLimit: 1,
    memoryLimit: 512 * 1024 ** 2,
    pidsLimit: 512,
    tmpfs: [],
    ulimits: [],
    dns: [],
    extraHosts: [],
    readOnlyRootfs: false,
    ...(stopsWhenIdle(asked) ? { containerLifetimeMs: 60_000 } : {}),
    sessionInactivityTimeoutMs: 3_600_000,
    useImageDefaults: false,
    agentAsInit: true,
    environment: {},
    workingDir: "/workspace",
    volumes: [],
    ports: [],
    networks: [],
    capabilities: { add: [], drop: [] },
    noNewPrivileges: true,
    tty: false,
    stdinOpen: false,
    autoRemove: false,
    labels: {},
  };
  return pick(
    defaults,
    namesOf(defaults).filter((name) => !(name in asked)),
  );
}
