import { runCase, runConformance, sessionCases, sessionSaboteurs } from "@podkit/testing";
import { afterAll, describe, expect, it } from "vitest";
import { memorySessions } from "../support/memory.js";
import { vitestRunner } from "../support/runner.js";

const { context, harness } = await memorySessions();
afterAll(() => harness.close());

runConformance({ name: "memory: sessions", cases: sessionCases, context, runner: vitestRunner });

describe("each session saboteur fails the cases that it names, and they pass without it", () => {
  for (const { name, fails, sabotage } of sessionSaboteurs) {
    for (const id of fails) {
      it(`${name}: ${id}`, { timeout: 60_000 }, async () => {
        const found = sessionCases.find((one) => one.id === id);
        if (found === undefined) throw new Error(`there is no case ${id}`);
        const quick = { ...found, timeoutMs: 12_000 };
        const honest = await memorySessions();
        expect((await runCase(quick, honest.context)).outcome).toBe("passed");
        await honest.harness.close();
        const faulty = await memorySessions();
        const outcome = await runCase(quick, { ...faulty.context, harness: sabotage(faulty.harness) });
        await faulty.harness.close();
        expect(outcome.outcome, "the fault went unseen").toBe("failed");
      });
    }
  }
});
