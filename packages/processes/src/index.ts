export * from "./command.js";
export * from "./spawn.js";
