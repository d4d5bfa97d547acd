// Rows of the behaviour list by backends, from the outcomes of the conformance suite and the names of other tests.

/**
 * @typedef {{ backend: string, level?: string, id: string, rows: number[], outcome: "passed" | "failed" | "unsupported" | "not run", reason?: string }} Outcome
 * @typedef {{ passed: string[], failed: string[], skipped: { name: string, reason: string }[] }} Report
 */

const NO_TEST = "no test of this row for it";

/**
 * Tests outside the suite, whose names say `docker: …` or `local: …` and then `row 49: …`.
 * @param {Report} report
 * @returns {Outcome[]}
 */
export function testsWithRows({ passed, failed, skipped }) {
  const all = [
    ...passed.map((name) => ({ name, outcome: /** @type {const} */ ("passed") })),
    ...failed.map((name) => ({ name, outcome: /** @type {const} */ ("failed") })),
    ...skipped.map(({ name, reason }) => ({ name, outcome: /** @type {const} */ ("not run"), reason })),
  ];
  return all.flatMap(({ name, ...rest }) => {
    const backend = / > ([a-z0-9]+(?: \([a-z]+\))?)(?=: | > )/.exec(name)?.[1];
    const rows = /\brows? (\d+(?:(?:, | and )\d+)*):/.exec(name)?.[1];
    if (backend === undefined || rows === undefined || name.includes("> conformance of ")) return [];
    return [{ backend, id: name, rows: rows.split(/, | and /).map(Number), ...rest }];
  });
}

/**
 * The table as text.
 * @param {readonly Outcome[]} outcomes
 * @param {Readonly<Record<string, string>>} notRun backends that have a column in any case, and why they did not run at all, or nothing
 */
export function rowTable(outcomes, notRun) {
  const backends = [...new Set([...outcomes.map(({ backend }) => backend), ...Object.keys(notRun)])].sort();
  const rows = [...new Set(outcomes.flatMap((outcome) => outcome.rows))].sort((a, b) => a - b);
  /** @type {Map<string, number[]>} */
  const notes = new Map();
  const cells = rows.map((row) => [
    String(row).padStart(3),
    ...backends.map((backend) => {
      const here = outcomes.filter((one) => one.backend === backend && one.rows.includes(row));
      const { text, reasons } = cell(here, notRun[backend]);
      for (const reason of reasons) note(notes, `${backend}\t${reason}`, row);
      return text;
    }),
  ]);
  const told = [...notes].map(([key, at]) => `  ${key.replace("\t", `, ${list(at)}: `)}`);
  const whole = Object.entries(notRun).flatMap(([backend, reason]) =>
    reason === "" ? [] : [`  ${backend}: ${reason}`],
  );
  const reasons = [...whole, ...told];
  return [
    ...columns([["row", ...backends], ...cells]),
    ...(reasons.length > 0 ? ["", "Unsupported, or not run", ...reasons] : []),
  ].join("\n");
}

/**
 * @param {readonly Outcome[]} here
 * @param {string | undefined} notRun
 */
function cell(here, notRun) {
  if (here.length === 0) return { text: "not run", reasons: notRun ? [] : [NO_TEST] };
  /** @param {Outcome["outcome"]} outcome */
  const count = (outcome) => here.filter((one) => one.outcome === outcome).length;
  const reasons = here.flatMap(({ outcome, reason }) => (outcome === "failed" || !reason ? [] : [short(reason)]));
  const [passed, failed, unsupported, skipped] = [
    count("passed"),
    count("failed"),
    count("unsupported"),
    count("not run"),
  ];
  if (failed > 0) return { text: `FAILED (${failed} of ${here.length})`, reasons };
  if (passed === 0) return { text: unsupported > 0 ? "unsupported" : "not run", reasons };
  const beside = [unsupported > 0 ? `${unsupported} unsupported` : "", skipped > 0 ? `${skipped} not run` : ""];
  const more = beside.filter(Boolean).join(", ");
  return { text: more === "" ? "passed" : `passed (${more})`, reasons };
}

/** @param {string} reason */
const short = (reason) =>
  reason
    .replace(/^unsupported: /, "")
    .split("\n")[0]
    ?.slice(0, 160) ?? "";

/** @param {Map<string, number[]>} notes @param {string} key @param {number} row */
function note(notes, key, row) {
  const rows = notes.get(key) ?? [];
  if (!rows.includes(row)) notes.set(key, [...rows, row]);
}

/** @param {readonly number[]} rows */
const list = (rows) => `${rows.length === 1 ? "row" : "rows"} ${rows.join(", ")}`;

/** @param {readonly (readonly string[])[]} lines */
function columns(lines) {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => `  ${line.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
}
