// Nothing may be left behind by a run: notes what is there before it, and names afterwards what is new and stays.
//   node scripts/leftovers.mjs note FILE FOLDER...     node scripts/leftovers.mjs check FILE FOLDER...
// FOLDER: where the run puts temporary things; `FOLDER/podkit/local` and `FOLDER/state/podkit/local` are looked into too.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { leftovers, look } from "./lib/leftovers.mjs";

/** What ends by itself has this long, such as a supervisor whose container was removed a moment ago. */
const GRACE_MS = 15_000;

const [action, file = "", ...folders] = process.argv.slice(2);
const states = folders.flatMap((folder) => [join(folder, "podkit/local"), join(folder, "state/podkit/local")]);
const now = () => look({ folders, states });

if (action === "note" && file !== "") writeFileSync(file, JSON.stringify(now()));
else if (action === "check" && file !== "") await check();
else throw new Error("usage: leftovers.mjs note|check FILE FOLDER...");

async function check() {
  const before = JSON.parse(readFileSync(file, "utf8"));
  const deadline = Date.now() + GRACE_MS;
  let left = leftovers(before, now());
  while (left.length > 0 && Date.now() < deadline) {
    await delay(200);
    left = leftovers(before, now());
  }
  const failed = left.map((what) => `left behind: ${what}`);
  for (const line of failed) console.log(line);
  addToReport({ passed: failed.length === 0 ? ["nothing is left behind"] : [], failed });
  process.exitCode = failed.length === 0 ? 0 : 1;
}

/** The step's own tests may have written theirs already. @param {{ passed: string[], failed: string[] }} found */
function addToReport({ passed, failed }) {
  const report = process.env.PODKIT_REPORT;
  if (!report) return;
  const before = existsSync(report)
    ? JSON.parse(readFileSync(report, "utf8"))
    : { passed: [], failed: [], skipped: [] };
  const all = { ...before, passed: [...before.passed, ...passed], failed: [...before.failed, ...failed] };
  writeFileSync(report, JSON.stringify(all, null, 1));
}
