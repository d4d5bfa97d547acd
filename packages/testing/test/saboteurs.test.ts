import { describe, expect, it } from "vitest";
import { backendCases, runCase, saboteurs } from "../src/index.js";
import { memoryContext } from "./support/context.js";

describe("each saboteur fails the cases that it names, and they pass without it", () => {
  for (const { name, fails, sabotage } of saboteurs) {
    for (const id of fails) {
      it(`${name}: ${id}`, { timeout: 60_000 }, async () => {
        const testCase = backendCases.find((one) => one.id === id);
        if (testCase === undefined) throw new Error(`there is no case ${id}`);
        // Ten seconds are enough to see a hang.
        const quick = { ...testCase, timeoutMs: 12_000 };
        expect((await runCase(quick, await memoryContext())).outcome).not.toBe("failed");
        const outcome = await runCase(quick, await memoryContext(sabotage));
        expect(outcome.outcome, `the fault went unseen`).toBe("failed");
      });
    }
  }
});
