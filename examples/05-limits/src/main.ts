import { getDockerSession } from "podkit";

// 5. Limits, networks, environment
const session = await getDockerSession({
  userId: "bob",
  sessionId: "task-123",
  config: {
    image: "python:3.11-alpine",
    cpuLimit: 2,
    memoryLimit: "1g",
    networks: ["execution-network"], // must exist
    volumes: [
      { source: "/shared/datasets", target: "/data", readOnly: true },
      { source: "/app/outputs", target: "/outputs" },
    ],
    environment: { ENV: "production", LOG_LEVEL: "INFO" },
  },
});
const run = await session.executeCommand(["python", "/data/process_data.py", "--input", "/data/dataset.csv"], {
  timeoutMs: 60_000,
});
await session.close();
console.log(run.exitCode, run.stdout);
