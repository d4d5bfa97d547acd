// Runs every example on the real Docker daemon: a temporary copy, in which images, folders and taken ports are replaced by what is there.
//   node scripts/examples.mjs [NAME...]        The packages must be built, and the images of scripts/images.sh made.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { CASES, FILES, failures } from "./lib/examples/cases.mjs";
import { replaced } from "./lib/examples/replacements.mjs";

const run = promisify(execFile);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { createPodkit, RUN_PREFIX } = await import(pathToFileURL(join(root, "packages/podkit/dist/index.js")).href);
const DEFAULT_IMAGE = "podkit-test/base:1";
const TIMEOUT_MS = 120_000;

const wanted = process.argv.slice(2);
const names = (await readdir(join(root, "examples"), { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && (wanted.length === 0 || wanted.includes(entry.name)))
  .map(({ name }) => name);
const folder = await mkdtemp(join(tmpdir(), "podkit-examples-"));
const podkit = createPodkit();
/** @type {{ passed: string[], failed: string[], skipped: never[] }} */
const report = { passed: [], failed: [], skipped: [] };
try {
  console.log(`The default image is ${DEFAULT_IMAGE} (PODKIT_DEFAULT_IMAGE).`);
  for (const name of names) report[(await example(name)) ? "passed" : "failed"].push(name);
} finally {
  await podkit.shutdown();
  await rm(folder, { recursive: true, force: true });
}
if (process.env.PODKIT_REPORT) await writeFile(process.env.PODKIT_REPORT, JSON.stringify(report));
console.log(`${report.passed.length} passed, ${report.failed.length} failed`);
process.exitCode = report.failed.length === 0 && names.length > 0 ? 0 : 1;

/** Runs one; true where it did what it should. */
async function example(name) {
  const started = performance.now();
  const expected = CASES[name];
  let found = ["scripts/lib/examples/cases.mjs does not say what it should do"];
  const made = [];
  try {
    if (expected !== undefined) {
      const there = await sessionsOf(expected);
      if (there.length > 0)
        found = [`${there.join(", ")} is there already and may be somebody's: podkit rm removes it`];
      else found = await runExample(name, expected, made);
    }
  } catch (error) {
    found = [error instanceof Error ? error.message : String(error)];
  } finally {
    for (const undo of made.reverse())
      await undo().catch((error) => found.push(`clearing away failed: ${error.message}`));
  }
  console.log(`${found.length === 0 ? "ok  " : "FAIL"} ${name} (${Math.round(performance.now() - started)} ms)`);
  for (const line of found) console.log(`     ${line}`);
  return found.length === 0;
}

async function runExample(name, expected, made) {
  const files = join(folder, name, "host");
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(files, path)), { recursive: true });
    await writeFile(join(files, path), content);
  }
  const program = await copy(name, files);
  for (const network of expected.networks ?? []) made.push(await ensureNetwork(network));
  made.push(() => removeSessions(expected));
  const result = await runProgram(program);
  const left = [
    ...(await sessionsOf(expected)),
    ...(await podkit.list({ prefix: RUN_PREFIX })).map(({ containerName }) => containerName),
  ];
  return failures(expected, { ...result, left }, files);
}

/** The example as a plain program, beside links to the workspace's packages. */
async function copy(name, files) {
  const from = join(root, "examples", name);
  const { text, changes } = await replaced(await readFile(join(from, "src/main.ts"), "utf8"), files);
  for (const change of changes) console.log(`     ${name}: ${change}`);
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const program = join(folder, name, "main.mjs");
  await writeFile(program, outputText);
  await symlink(join(from, "node_modules"), join(folder, name, "node_modules"));
  return program;
}

async function runProgram(program) {
  const env = { ...process.env, PODKIT_DEFAULT_IMAGE: DEFAULT_IMAGE };
  try {
    const { stdout, stderr } = await run(process.execPath, [program], { env, timeout: TIMEOUT_MS });
    return { code: 0, output: stdout, errors: stderr };
  } catch (error) {
    const code = error.killed ? `SIGTERM after ${TIMEOUT_MS} ms` : `code ${error.code}`;
    return { code, output: error.stdout ?? "", errors: error.stderr ?? "" };
  }
}

async function sessionsOf({ sessions }) {
  const all = await podkit.list();
  return all
    .filter(({ userId, sessionId }) => userId === "bob" && sessions.includes(sessionId))
    .map(({ sessionId }) => `bob/${sessionId}`);
}

async function removeSessions({ sessions }) {
  for (const sessionId of sessions) {
    const found = await podkit.findSession({ userId: "bob", sessionId }).catch((error) => {
      if (error.code !== "not_found") throw error;
    });
    await found?.close();
  }
}

/** Makes a network where it is missing; gives what removes it again. */
async function ensureNetwork(name) {
  const there = await run("docker", ["network", "inspect", name]).then(
    () => true,
    () => false,
  );
  if (there) return async () => undefined;
  await run("docker", ["network", "create", name]);
  console.log(`     network ${name}: made, and removed afterwards`);
  return () => run("docker", ["network", "rm", name]);
}
