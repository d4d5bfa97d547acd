// What each example needs, and what shows that it did what it says.
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const DATASET = "name,value\na,1\nb,2\n";

/** Prints the sum, and leaves it and the environment where the host sees them. */
const PROCESS_DATA = `import os, sys
assert sys.argv[1] == "--input"
rows = [line.split(",") for line in open(sys.argv[2]).read().split()[1:]]
total = sum(int(value) for _, value in rows)
open("/outputs/total.txt", "w").write(f"{total} {os.environ['ENV']} {os.environ['LOG_LEVEL']}")
print("total", total)
`;

/** Files that the examples' folders hold, by path. */
export const FILES = {
  "shared/datasets/dataset.csv": DATASET,
  "shared/datasets/process_data.py": PROCESS_DATA,
  "shared/configs/app.conf": "level=info\n",
  "app/outputs/.keep": "",
  "app/data/.keep": "",
};

/** Each example: the sessions that it uses, whether they are still there afterwards, and its checks. */
export const CASES = {
  "01-simplest": { sessions: ["123"], stays: true, output: /^\/workspace\n\n$/ },
  "02-removed-at-the-end": { sessions: ["123"], output: /^\/workspace\n\n$/ },
  "03-ports": { sessions: ["web-server"], output: /<html/i },
  "04-mounts": {
    sessions: ["data"],
    output: new RegExp(`^${DATASET}\n$`),
    files: { "app/outputs/results.txt": "processing complete\n", "shared/datasets/dataset.csv": DATASET },
  },
  "05-limits": {
    sessions: ["task-123"],
    networks: ["execution-network"],
    output: /^0 total 3\n\n$/,
    files: { "app/outputs/total.txt": "3 production INFO" },
  },
  "05b-workspace": {
    sessions: ["task-456"],
    output: /^$/,
    files: { "app/data/workspaces/bob/task-456/output.txt": "results" },
  },
  "07-run-in-docker": { sessions: [], output: /^\{ exitCode: 0, stdout: '42\\n', timedOut: false \}\n$/ },
};

/** What an example should have done and did not; empty where all is well. */
export async function failures(expected, { code, output, errors, left }, folder) {
  const found = [];
  if (code !== 0) found.push(`it ended with ${code}`);
  if (errors !== "") found.push(`it wrote to stderr:\n${errors}`);
  if (!expected.output.test(output))
    found.push(`it printed ${JSON.stringify(output)}, which is not ${expected.output}`);
  for (const [path, content] of Object.entries(expected.files ?? {})) {
    const there = await readFile(join(folder, path), "utf8").catch((error) => `(${error.message})`);
    if (there !== content) found.push(`${path} holds ${JSON.stringify(there)} and not ${JSON.stringify(content)}`);
  }
  const stay = expected.stays === true ? expected.sessions.length : 0;
  if (left.length !== stay) found.push(`${left.length} containers are left, and not ${stay}: ${left.join(", ")}`);
  return found;
}
