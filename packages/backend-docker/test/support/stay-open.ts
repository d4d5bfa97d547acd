// A program that leaves its backend and its streams open: it must end by itself.
import { DockerBackend } from "../../src/index.js";

const backend = new DockerBackend();
await backend.connect();
const stream = await backend.openStream(process.argv[2] ?? "", ["cat"]);
stream.write("hello");
stream.once("data", (chunk) => {
  stream.unref();
  process.stdout.write(String(chunk));
});
