import Docker from "dockerode";
import { latencyRows, manyContainersRow } from "./latency.js";
import { endlessRow, openSessionsRow } from "./memory.js";
import { page, type Row } from "./page.js";
import { openStack } from "./podkit-side.js";
import { coldRow, reconnectRow } from "./startup.js";
import { throughputRows } from "./throughput.js";

// All sides in one run on one daemon. PODKIT_BENCH_IMAGE needs python3, head, yes, sleep. `--only NAME` runs one part.
const image = process.env["PODKIT_BENCH_IMAGE"] ?? "podkit-test/base:1";
const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : undefined;
const docker = new Docker();
const stack = openStack(image);

const parts: Readonly<Record<string, () => Promise<Row | Row[]>>> = {
  latency: () => latencyRows(stack, docker),
  many: () => manyContainersRow(stack, 20),
  cold: () => coldRow(stack, docker, image),
  reconnect: () => reconnectRow(stack, image),
  throughput: () => throughputRows(stack),
  endless: () => endlessRow(stack, 30_000),
  sessions: () => openSessionsRow(stack, 100),
};

async function removeLeftovers(): Promise<void> {
  const left = await stack.manager.list();
  await Promise.all(left.map(async (entry) => (await stack.manager.find(entry))?.remove()));
}

const rows: Row[] = [];
try {
  for (const [name, run] of Object.entries(parts)) {
    if (only !== undefined && only !== name) continue;
    console.error(`running ${name} ...`);
    rows.push(...[await run()].flat());
  }
} finally {
  await removeLeftovers();
  await stack.close();
}
const { Version } = await docker.version();
console.log(page(`podkit on Docker ${Version}, Node ${process.version}`, rows));
