import { openStack } from "./podkit-side.js";

// A new program that goes on with a session; what importing costs is not counted.
const [image = "", sessionId = ""] = process.argv.slice(2);
const id = { userId: "bench", sessionId };
const begin = performance.now();
const stack = openStack(image);
await stack.sessions.createSession(id);
const { stdout } = await stack.sessions.executeCommand(id, ["echo", "hello"]);
const took = performance.now() - begin;
if (stdout !== "hello\n") throw new Error(`unexpected output ${JSON.stringify(stdout)}`);
console.log(took);
await stack.close();
