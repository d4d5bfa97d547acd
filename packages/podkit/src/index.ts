export {
  DockerBackend,
  type DockerBackendOptions,
  type DockerClient,
  type DockerConnectionOptions,
  type DockerDialOptions,
  type DockerProbe,
  type ProbeOptions,
  probe as probeDocker,
} from "@podkit/backend-docker";
export * from "@podkit/core";
export * from "@podkit/manager";
export * from "@podkit/processes";
export * from "@podkit/session";
export { createPodkit, Podkit, type PodkitOptions, type Scope, type SessionRequest } from "./podkit.js";
export { RUN_PREFIX, type RunOptions } from "./run.js";
export { type DockerAccess, getDockerSession, podkit, runInDocker, SharedPodkit } from "./shared.js";
