import { getDockerSession } from "podkit";

// 3. Ports
const session = await getDockerSession({
  userId: "bob",
  sessionId: "web-server",
  config: { image: "nginx:latest", ports: [80, 443] }, // the same numbers on the host; { container: 80, host: 0 } picks a free one
});
await session.spawn(["nginx", "-g", "daemon off;"]); // the original's blocking form, executeCommand, works too
await session.ports.waitFor(80);
console.log(await (await fetch(await session.ports.url(80))).text());
await session.close();
