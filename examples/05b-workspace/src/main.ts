import { getDockerSession } from "podkit";

// 5b. The workspace: {workspace}/workspaces/bob/task-456/ is made and mounted at /workspace
const session = await getDockerSession({
  userId: "bob",
  sessionId: "task-456",
  workspace: "/app/data",
  workspaceHost: "/app/data", // where the engine finds it; the same for a local engine, and then optional
});
await session.writeFile("/workspace/output.txt", "results"); // stands on the host, also after close
await session.close();
