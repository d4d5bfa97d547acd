// Reads `go test -json` from standard input, prints what failed, and writes the same report as the vitest reporter.
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [file] = process.argv.slice(2);
/** @type {Map<string, { state: string, output: string[] }>} */
const tests = new Map();
/** @type {Map<string, { failed: boolean, output: string[] }>} */
const packages = new Map();

for await (const line of createInterface({ input: process.stdin })) {
  /** @type {{ Action?: string, Package?: string, ImportPath?: string, Test?: string, Output?: string }} */
  let event;
  try {
    event = JSON.parse(line);
  } catch {
    console.log(line); // the go command itself speaks
    continue;
  }
  const name = (event.Package ?? event.ImportPath ?? "").replace(/^.*podkit\.dev\/agent\/?/, "");
  const pkg = at(packages, name, () => ({ failed: false, output: [] }));
  const test = event.Test ? at(tests, `${name} ${event.Test}`, () => ({ state: "", output: [] })) : undefined;
  if (event.Output) (test ?? pkg).output.push(event.Output);
  if (event.Action === "fail" || event.Action === "build-fail") {
    if (test) test.state = "fail";
    else pkg.failed = true;
  }
  if (test && (event.Action === "pass" || event.Action === "skip")) test.state = event.Action;
}

const names = [...tests.keys()];
// A test with subtests is counted by them.
const leaves = names.filter((name) => !names.some((other) => other.startsWith(`${name}/`)));
/** @param {string} state */
const having = (state) => leaves.filter((name) => tests.get(name)?.state === state);
// A test that never ended (a crash, a build that failed) shows only in its package.
const failed = names.filter(
  (name) =>
    tests.get(name)?.state === "fail" &&
    (leaves.includes(name) ||
      !names.some((other) => other.startsWith(`${name}/`) && tests.get(other)?.state === "fail")),
);
for (const [name, { failed: broken, output }] of packages)
  if (broken && !failed.some((test) => test.startsWith(`${name} `))) {
    failed.push(`${name || "module"} (package)`);
    console.log(output.join(""));
  }
for (const name of failed) console.log(`--- ${name}\n${tests.get(name)?.output.join("") ?? ""}`);
const skipped = having("skip").map((name) => ({
  name: `go ${name}`,
  reason:
    (tests.get(name)?.output ?? [])
      .filter((text) => !/^\s*(===|---)/.test(text))
      .join(" ")
      .trim() || "skipped",
}));
const passed = having("pass");
console.log(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
if (file) writeFileSync(file, JSON.stringify({ passed, failed, skipped }, null, 1));
process.exitCode = failed.length > 0 ? 1 : 0;

/**
 * @template V
 * @param {Map<string, V>} map
 * @param {string} key
 * @param {() => V} make
 */
function at(map, key, make) {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
