import { getDockerSession } from "podkit";

// 2. Removed at the end of the block
await using session = await getDockerSession({ userId: "bob", sessionId: "123" });
console.log((await session.executeCommand("pwd")).stdout);
