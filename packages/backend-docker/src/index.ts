export * from "./backend.js";
export type { DockerClient, DockerDialOptions } from "./client.js";
export type { DockerConnectionOptions } from "./connect/candidates.js";
