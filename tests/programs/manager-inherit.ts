// A program in a container: opens a session that inherits from that container, and prints what it got.
import { DockerBackend } from "@podkit/backend-docker";
import { ContainerManager } from "@podkit/manager";
import { PREFIX } from "../test/manager/setup.js";

const manager = new ContainerManager({ backend: new DockerBackend(), prefix: PREFIX });
const sandbox = await manager.open({
  userId: "bob",
  sessionId: "heir",
  config: { inheritParentImage: true, inheritParentNetworks: true },
});
const { networks, image } = await sandbox.info();
process.stdout.write(`${JSON.stringify({ networks: Object.keys(networks).sort(), image })}\n`);
await manager.close();
