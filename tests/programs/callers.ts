// Asks for one session many times at once, and says which container each call got.
import { createPodkit } from "podkit";
import { readArgument } from "../support/argument.js";

const { prefix, userId, sessionId, image, callers = 1 } = readArgument();
await using podkit = createPodkit({ prefix });
const calls = Array.from({ length: callers }, async () => {
  const session = await podkit.getSession({ userId, sessionId, config: { image } });
  const { stdout } = await session.executeCommand(["echo", "works"]);
  if (stdout !== "works\n") throw new Error(`the command gave ${JSON.stringify(stdout)}`);
  return (await session.info()).containerId;
});
console.log(JSON.stringify(await Promise.all(calls)));
