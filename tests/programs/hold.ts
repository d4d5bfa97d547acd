// Opens a session, leaves a file and a running command in it, says so, and waits to be killed.
import { createPodkit } from "podkit";
import { readArgument } from "../support/argument.js";

const { prefix, userId, sessionId, image } = readArgument();
const podkit = createPodkit({ prefix });
const config = { image, environment: { KEPT: "yes" }, workingDir: "/work" };
const session = await podkit.getSession({ userId, sessionId, config });
await session.writeFile("kept", "from the first program");
await session.spawn(["sleep", "1000"]);
console.log((await session.info()).containerId);
setInterval(() => undefined, 1_000);
