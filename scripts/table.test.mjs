// Shows that the table of rows says what ran, what is unsupported and what did not run, and hides no failure.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rowTable, testsWithRows } from "./lib/table.mjs";

/** @param {Partial<import("./lib/table.mjs").Outcome>} outcome */
const of = (outcome) => ({
  backend: "docker",
  level: "session",
  id: "a",
  rows: [1],
  outcome: /** @type {const} */ ("passed"),
  ...outcome,
});

/** @param {string} text @param {string} row */
const line = (text, row) => text.split("\n").find((one) => one.trim().startsWith(`${row} `)) ?? "";

test("a row passes where all of its cases do, and says how many are unsupported", () => {
  const reason = "local says gpus: false";
  const text = rowTable(
    [of({}), of({ backend: "local" }), of({ id: "b", backend: "local", outcome: "unsupported", reason })],
    {},
  );
  assert.match(line(text, "1"), /^\s*1 +passed +passed \(1 unsupported\)$/);
  assert.match(text, /local, row 1: local says gpus: false/);
});

test("one failure makes the row failed", () => {
  const text = rowTable([of({}), of({ id: "b", outcome: "failed", reason: "timeout: it hung" })], {});
  assert.match(line(text, "1"), /FAILED \(1 of 2\)/);
});

test("a row of which all cases are unsupported is unsupported, with reasons that are told once", () => {
  const reason = "local says memoryLimit: false";
  const outcomes = [15, 16].map((row) =>
    of({ id: `x${row}`, rows: [row], backend: "local", outcome: "unsupported", reason }),
  );
  const text = rowTable(outcomes, {});
  assert.match(line(text, "15"), /unsupported$/);
  assert.equal(text.split(reason).length, 2);
  assert.match(text, /rows 15, 16: local says memoryLimit: false/);
});

test("a backend that did not run says so in each row, and why", () => {
  const text = rowTable([of({})], { local: "not asked for" });
  assert.match(line(text, "1"), /passed +not run/);
  assert.match(text, /local: not asked for/);
});

test("a backend that was asked for has a column, also where it gave no outcome", () => {
  const text = rowTable([of({})], { docker: "", local: "" });
  assert.match(line(text, "1"), /passed +not run/);
  assert.match(text, /local, row 1: no test of this row for it/);
  assert.doesNotMatch(text, /docker: *$/m);
});

test("a row without a test on one backend is not run there", () => {
  const text = rowTable([of({}), of({ rows: [2], backend: "local" })], {});
  assert.match(line(text, "2"), /not run +passed/);
  assert.match(text, /docker, row 2: no test of this row for it/);
});

test("tests outside the suite count by the backend and the rows in their names; the suite's own are left to their outcomes", () => {
  const report = {
    passed: [
      "engines > tests/test/a.itest.ts > local (unprivileged): crashes > row 49: killed",
      "engines > tests/test/b.itest.ts > docker: the facade > rows 29, 30: events",
      "engines > tests/test/c.itest.ts > docker > conformance of sessions > row 1: echo",
      "engines > tests/test/d.itest.ts > docker: the facade > fifty sessions",
    ],
    failed: ["engines > tests/test/a.itest.ts > local: crashes > rows 32 and 39: a link"],
    skipped: [{ name: "engines > tests/test/e.itest.ts > docker: slow > row 33: a pull", reason: "no registry" }],
  };
  assert.deepEqual(
    testsWithRows(report).map(({ backend, rows, outcome, reason }) => [backend, rows, outcome, reason]),
    [
      ["local (unprivileged)", [49], "passed", undefined],
      ["docker", [29, 30], "passed", undefined],
      ["local", [32, 39], "failed", undefined],
      ["docker", [33], "not run", "no registry"],
    ],
  );
});

test("a test that was skipped leaves its row not run, with the reason, unless others show it", () => {
  const skipped = of({ outcome: "not run", reason: "no registry", rows: [33] });
  assert.match(line(rowTable([skipped], {}), "33"), /not run/);
  assert.match(rowTable([skipped], {}), /docker, row 33: no registry/);
  assert.match(line(rowTable([skipped, of({ id: "z", rows: [33] })], {}), "33"), /passed \(1 not run\)/);
});
