export * from "./backend.js";
export type { DockerClient, DockerDialOptions } from "./client.js";
export type { DockerConnectionOptions } from "./connect/candidates.js";
export { type DockerProbe, type ProbeOptions, probe } from "./connect/probe.js";
