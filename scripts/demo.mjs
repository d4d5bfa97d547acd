// What scripts/demo shows: a session from one line, what a command costs, files, a deadline that leaves nothing behind,
// and a second program that goes on where this one was.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { getDockerSession } from "podkit";

const run = promisify(execFile);
const request = {
  userId: "bob",
  sessionId: "demo",
  prefix: "podkit-demo",
  config: { image: "podkit-test/busybox:1", pullPolicy: /** @type {const} */ ("never") },
};

if (process.argv[2] === "again") await secondProgram();
else await firstProgram();

async function firstProgram() {
  heading("A session from one line");
  const session = await timed("getDockerSession: container made, agent answers", () => getDockerSession(request));
  try {
    await command(session, "pwd");
    await command(session, ["sh", "-c", "echo out; echo err >&2; exit 3"]);
    await fiftyTimesTrue(session);

    heading("Files");
    await timed("writeFile notes.txt", () => session.writeFile("/workspace/notes.txt", "kept by the container\n"));
    await command(session, "cat notes.txt");

    heading("A deadline ends the whole tree");
    const sleepers = "setsid sleep 600 & sleep 600";
    const cut = await timed(`${sleepers}   (timeoutMs: 300)`, () =>
      session.executeCommand(sleepers, { timeoutMs: 300 }),
    );
    say(`timedOut: ${cut.timedOut}`);
    await command(session, "ps | grep '[s]leep 600' || echo none is left");

    heading("A second program goes on with it");
    const { stdout } = await run(process.execPath, [fileURLToPath(import.meta.url), "again"], { timeout: 60_000 });
    process.stdout.write(stdout);

    heading("What is left");
    await listContainers();
  } finally {
    await timed("close", () => session.close());
    await listContainers();
  }
}

async function secondProgram() {
  const session = await timed("getDockerSession: found and connected", () => getDockerSession(request));
  await command(session, "cat /workspace/notes.txt");
  // This program ends here by itself: an open session keeps no event loop alive.
}

/** @param {import("podkit").Session} session @param {string | string[]} line */
async function command(session, line) {
  const { result, ms } = await stopwatch(() => session.executeCommand(line));
  show(typeof line === "string" ? `$ ${line}` : `$ ${JSON.stringify(line)}`, ms);
  for (const text of [result.stdout, result.stderr]) if (text) say(`  ${text.trimEnd()}`);
  if (result.exitCode !== 0) say(`  exit code ${result.exitCode}`);
}

/** @param {import("podkit").Session} session */
async function fiftyTimesTrue(session) {
  const times = [];
  for (let i = 0; i < 50; i++) times.push((await stopwatch(() => session.executeCommand(["true"]))).ms);
  times.sort((a, b) => a - b);
  show('$ ["true"], the median of 50', times[25] ?? 0);
}

/** The engine's own word, not ours. */
async function listContainers() {
  const filter = `label=dev.podkit.prefix=${request.prefix}`;
  const { stdout } = await run("docker", ["ps", "--all", "--filter", filter, "--format", "{{.Names}}  {{.Status}}"]);
  say(stdout.trim() || "no container");
}

/** @template T @param {string} what @param {() => Promise<T>} action */
async function timed(what, action) {
  const { result, ms } = await stopwatch(action);
  show(what, ms);
  return result;
}

/** @template T @param {() => Promise<T>} action */
async function stopwatch(action) {
  const begin = performance.now();
  const result = await action();
  return { result, ms: performance.now() - begin };
}

/** @param {string} text */
function heading(text) {
  console.log(`\n${text}`);
}

/** @param {string} text */
function say(text) {
  console.log(`  ${text.replaceAll("\n", "\n    ")}`);
}

/** @param {string} what @param {number} ms */
function show(what, ms) {
  console.log(`  ${what.padEnd(60)} ${ms.toFixed(1).padStart(8)} ms`);
}
