import { describe, expect, it } from "vitest";
import { backendCases, type CaseOutcome, runConformance, sessionCases } from "../src/index.js";
import { memoryContext } from "./support/context.js";

const context = await memoryContext();
const outcomes: CaseOutcome[] = [];
const runner = { describe, it, skip: (name: string, reason: string) => it(name, ({ skip }) => skip(reason)) };

runConformance({
  name: "memory",
  cases: backendCases,
  context,
  runner,
  onOutcome: (outcome) => outcomes.push(outcome),
});

describe("the suite", () => {
  it("has a name of its own for each case, and a title that begins with its rows", () => {
    for (const cases of [backendCases, sessionCases]) {
      expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
      expect(new Set(cases.map(({ title }) => title)).size).toBe(cases.length);
      for (const { rows, title } of cases) {
        const start = rows.length === 0 ? "" : `row${rows.length > 1 ? "s" : ""} ${rows.join(", ")}: `;
        expect(title.startsWith(start), title).toBe(true);
      }
    }
  });

  it("tells how each case went, and runs most of them without an engine", () => {
    expect(outcomes.map(({ id }) => id).sort()).toEqual(backendCases.map(({ id }) => id).sort());
    const passed = outcomes.filter(({ outcome }) => outcome === "passed");
    expect(passed.length).toBeGreaterThan(20);
    for (const { outcome, reason } of outcomes) if (outcome === "unsupported") expect(reason).not.toBe("");
  });
});
