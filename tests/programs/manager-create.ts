// A program that opens a session and says what it is doing; its parent kills it at some moment.
import { DockerBackend } from "@podkit/backend-docker";
import { ContainerManager } from "@podkit/manager";
import { BUSYBOX, PREFIX } from "../test/manager/setup.js";

const manager = new ContainerManager({ backend: new DockerBackend(), prefix: PREFIX, defaultImage: BUSYBOX });
process.stdout.write("opening\n");
await manager.open({
  userId: "bob",
  sessionId: process.argv[2] ?? "",
  config: { ports: [{ container: 80, host: 0 }] },
});
process.stdout.write("opened\n");
setInterval(() => undefined, 1_000);
