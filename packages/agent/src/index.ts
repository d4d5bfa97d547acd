export * from "./argv.js";
export { AgentClient, type AgentClientOptions } from "./client.js";
export type { AgentLink } from "./link.js";
export type { AgentHello, AgentStatus } from "./models.js";
export { agentSource } from "./source.js";
export * from "./version.js";
