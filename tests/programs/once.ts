// Example 1: one session, one command, and the program ends by itself.
import { getDockerSession } from "podkit";
import { readArgument } from "../support/argument.js";

const { prefix, userId, sessionId, image } = readArgument();
const session = await getDockerSession({ userId, sessionId, prefix, config: { image } });
const result = await session.executeCommand(["pwd"]);
console.log(result.stdout.trim());
