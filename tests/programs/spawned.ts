// An open session holds nothing; a command that is awaited does: the program must not end before it.
import { getDockerSession } from "podkit";
import { readArgument } from "../support/argument.js";

const { prefix, userId, sessionId, image } = readArgument();
const session = await getDockerSession({ userId, sessionId, prefix, config: { image } });
const sleeper = await session.spawn(["sleep", "2"]);
sleeper.stdout.resume();
sleeper.stderr.resume();
void sleeper.wait().then(({ exitCode }) => console.log(`ended with ${exitCode}`));
