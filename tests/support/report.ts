import { readFileSync, writeFileSync } from "node:fs";
import { backendCases, type CaseOutcome, sessionCases } from "@podkit/testing";

/** Where outcomes go: the file that PODKIT_TEST_REPORT names, one JSON list for all runs; nowhere where it names none. */
export function reporter(backend: string): (outcome: CaseOutcome) => void {
  const file = process.env["PODKIT_TEST_REPORT"];
  return ({ id, title, level, outcome, reason }) => {
    if (file === undefined || file === "") return;
    const rows = [...backendCases, ...sessionCases].find((one) => one.id === id && one.level === level)?.rows ?? [];
    const all = readReport(file).filter((one) => !isSame(one, backend, id, level));
    writeFileSync(file, `${JSON.stringify([...all, { backend, level, id, rows, title, outcome, reason }], null, 1)}\n`);
  };
}

function readReport(file: string): unknown[] {
  try {
    const list: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function isSame(one: unknown, backend: string, id: string, level: string): boolean {
  if (typeof one !== "object" || one === null || !("id" in one) || !("backend" in one) || !("level" in one))
    return false;
  return one.id === id && one.backend === backend && one.level === level;
}
