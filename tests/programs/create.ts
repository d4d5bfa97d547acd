// Begins to make a session and says so; it is killed at some moment of that.
import { createPodkit } from "podkit";
import { readArgument } from "../support/argument.js";

const { prefix, userId, sessionId, image, agentVolumePrefix } = readArgument();
const podkit = createPodkit({ prefix, docker: { agentVolumePrefix } });
console.log("begins");
const session = await podkit.getSession({ userId, sessionId, config: { image, ports: [{ container: 80, host: 0 }] } });
await session.executeCommand(["true"]);
console.log("made");
setInterval(() => undefined, 1_000);
