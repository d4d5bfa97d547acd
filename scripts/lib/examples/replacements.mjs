// What is replaced in a temporary copy of an example, so that it runs without a registry and touches no folder of this machine.
import { createServer } from "node:net";
import { join } from "node:path";

const IMAGES = { "python:3.11-alpine": "podkit-test/base:1", "nginx:latest": "podkit-test/nginx:1" };
const FOLDERS = ["/shared/", "/app/"];

/** Gives the changed source, and a line for each thing that was replaced. */
export async function replaced(source, folder) {
  const pairs = Object.entries(IMAGES);
  for (const [, path] of source.matchAll(/(?:source|workspace|workspaceHost): "([^"]+)"/g)) {
    if (FOLDERS.some((known) => path.startsWith(known))) pairs.push([path, join(folder, path)]);
  }
  const changes = [];
  let text = source;
  for (const [from, to] of new Map(pairs)) {
    if (!text.includes(`"${from}"`)) continue;
    text = text.replaceAll(`"${from}"`, `"${to}"`);
    changes.push(`${from} -> ${to}`);
  }
  const ports = /ports: \[([0-9, ]+)\]/.exec(text);
  if (ports === null) return { text, changes };
  const numbers = ports[1].split(",").map(Number);
  const taken = [];
  for (const port of numbers) if (!(await isFree(port))) taken.push(port);
  if (taken.length === 0) return { text, changes };
  const free = numbers.map((port) => (taken.includes(port) ? `{ container: ${port}, host: 0 }` : String(port)));
  changes.push(`ports: [${ports[1]}] -> ports: [${free.join(", ")}] (taken here: ${taken.join(", ")})`);
  return { text: text.replace(ports[0], `ports: [${free.join(", ")}]`), changes };
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
