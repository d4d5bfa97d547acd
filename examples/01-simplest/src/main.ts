// 1. The simplest one: creates the session, or continues the container that runs or has stopped itself after a minute's rest
import { getDockerSession } from "podkit";

const session = await getDockerSession({ userId: "bob", sessionId: "123" });
const result = await session.executeCommand("pwd");
console.log(result.stdout); // "/workspace\n"
// The program ends here by itself: an open session keeps no event loop alive.
