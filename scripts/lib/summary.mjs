// Adds up the steps of a test run, names what did not run, and ends with the line `N passed, N failed`.
// Each line of the steps file: name TAB state (passed | failed | not-run) TAB seconds TAB report file TAB reason.
// Each line of the backends file: a backend that did not run TAB why. Outcomes: lists of the conformance suite's.
import { existsSync, readFileSync } from "node:fs";
import { rowTable, testsWithRows } from "./table.mjs";

const [stepsFile, backendsFile, ...outcomeFiles] = process.argv.slice(2);
if (!stepsFile || !backendsFile) throw new Error("usage: summary.mjs STEPS_FILE BACKENDS_FILE [OUTCOMES...]");
const steps = readFileSync(stepsFile, "utf8")
  .split("\n")
  .filter(Boolean)
  .map((line) => {
    const [name = "", state = "", seconds = "", report = "", reason = ""] = line.split("\t");
    return { name, state, seconds, reason, ...counts(state, report) };
  });

/**
 * A step without a report, or one that failed without saying where, counts as one.
 * @param {string} state
 * @param {string} file
 */
function counts(state, file) {
  /** @type {{ passed: string[], failed: string[], skipped: { name: string, reason: string }[] }} */
  const report =
    file && existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { passed: [], failed: [], skipped: [] };
  const failed = state === "failed" ? Math.max(1, report.failed.length) : report.failed.length;
  const passed = report.passed.length > 0 ? report.passed.length : state === "passed" ? 1 : 0;
  return { passed, failed, failures: report.failed, skipped: report.skipped, report };
}

const width = Math.max(...steps.map(({ name }) => name.length));
console.log("\nSummary");
for (const step of steps) {
  const numbers = step.state === "not-run" ? "" : `${step.passed} passed, ${step.failed} failed`;
  const skipped = step.skipped.length > 0 ? `, ${step.skipped.length} skipped` : "";
  console.log(
    `  ${step.name.padEnd(width)}  ${step.state.padEnd(7)}  ${step.seconds.padStart(5)} s  ${numbers}${skipped}`,
  );
}

const failures = steps.flatMap(({ name, failures }) => failures.map((failure) => `${name}: ${failure}`));
if (failures.length > 0) console.log(`\nFailed\n${failures.map((failure) => `  ${failure}`).join("\n")}`);

const notRun = steps.flatMap(({ name, state, reason, skipped }) => [
  ...(state === "not-run" ? [`${name}: ${reason}`] : []),
  ...skipped.map((test) => `${name}: ${test.name} (${test.reason})`),
]);
console.log(
  notRun.length > 0 ? `\nDid not run\n${notRun.map((entry) => `  ${entry}`).join("\n")}` : "\nEverything ran.",
);

const notRunBackends = Object.fromEntries(
  readFileSync(backendsFile, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split("\t")),
);
/** @type {import("./table.mjs").Outcome[]} */
const outcomes = outcomeFiles.filter(existsSync).flatMap((file) => JSON.parse(readFileSync(file, "utf8")));
const tested = [...outcomes, ...steps.flatMap(({ report }) => testsWithRows(report))];
if (tested.length > 0) console.log(`\nRows of behaviour by backends\n${rowTable(tested, notRunBackends)}`);

/** @param {"passed" | "failed"} key */
const total = (key) => steps.reduce((sum, step) => sum + step[key], 0);
console.log(`\n${total("passed")} passed, ${total("failed")} failed`);
process.exitCode = total("failed") > 0 ? 1 : 0;
