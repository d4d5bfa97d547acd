export type { DownloadOptions } from "./download.js";
export { DEFAULT_MAX_OUTPUT_BYTES, LARGEST_MAX_OUTPUT_BYTES } from "./exec-request.js";
export { Files, MAX_READ_BYTES } from "./files.js";
export { Ports, type PortsParts } from "./ports.js";
export { Session, type SessionParts } from "./session.js";
export { type CreateSessionRequest, SessionManager, type SessionManagerOptions } from "./session-manager.js";
