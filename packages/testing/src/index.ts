export { backendCases } from "./cases/backend/index.js";
export { sessionCases } from "./cases/session/index.js";
export * from "./conformance/context.js";
export { unmetNeeds } from "./conformance/needs.js";
export * from "./conformance/run.js";
export * from "./conformance/types.js";
