export {
  LABEL_AGENT,
  LABEL_APP_PREFIX,
  LABEL_PREFIX,
  LABEL_SCHEMA,
  LABEL_SESSION,
  LABEL_SPEC,
  LABEL_USER,
} from "./labels/labels.js";
export * from "./manager.js";
export { containerName, volumeName } from "./names.js";
export * from "./options.js";
export * from "./paths.js";
export * from "./ports/pool.js";
export type { MountContext, MountStrategy } from "./spec/mounts.js";
