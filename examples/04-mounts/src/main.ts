import { getDockerSession } from "podkit";

// 4. Mounts
const session = await getDockerSession({
  userId: "bob",
  sessionId: "data",
  config: {
    image: "python:3.11-alpine",
    volumes: [
      { source: "/shared/datasets", target: "/data", readOnly: true },
      { source: "/shared/configs", target: "/etc/configs", readOnly: true },
      { source: "/app/outputs", target: "/workspace" },
    ],
  },
});
console.log((await session.executeCommand(["cat", "/data/dataset.csv"])).stdout);
await session.executeCommand(["sh", "-c", "echo 'processing complete' > /workspace/results.txt"]);
await session.close();
