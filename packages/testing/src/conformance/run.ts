import { PodkitError, withDeadline } from "@podkit/core";
import { missingOf } from "./needs.js";
import type { CaseContext, CaseOutcome, ConformanceCase } from "./types.js";

/** Milliseconds that a case may take where it does not say otherwise. */
export const CASE_TIMEOUT_MS = 60_000;

/** What is taken of a test runner; vitest's, jest's and mocha's `describe` and `it` fit with a line each. */
export interface TestRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>, timeoutMs: number): void;
  /** Reports a case that cannot run here, by name and with the reason. */
  skip(name: string, reason: string): void;
}

/** What {@link runConformance} needs. */
export interface ConformanceOptions<C extends CaseContext> {
  /** Stands above the cases, such as `docker: sessions`. */
  readonly name: string;
  readonly cases: readonly ConformanceCase<C>[];
  /** Its backend is connected. */
  readonly context: C;
  readonly runner: TestRunner;
  /** Told how each case went, in order. */
  readonly onOutcome?: (outcome: CaseOutcome) => void;
}

/** Runs one case with its deadline, cleans up behind it and says how it went. It never throws. */
export async function runCase<C extends CaseContext>(testCase: ConformanceCase<C>, context: C): Promise<CaseOutcome> {
  const { id, title, level } = testCase;
  const missing = missingOf(testCase, context);
  const refuse = missing.refusable ? testCase.refuse : undefined;
  const body = missing.reason === "" ? testCase.run : refuse;
  try {
    const timeoutMs = testCase.timeoutMs ?? CASE_TIMEOUT_MS;
    await withDeadline(title, { timeoutMs }, async () => body?.call(testCase, context)).finally(() => context.clean());
  } catch (error) {
    return { id, title, level, outcome: "failed", reason: reasonOf(error), error };
  }
  if (missing.reason !== "") return { id, title, level, outcome: "unsupported", reason: missing.reason };
  return { id, title, level, outcome: "passed" };
}

/**
 * Registers every case with a test runner. One whose needs are not met bears the reason in its name: where it can be asked for,
 * what runs shows that it is refused before anything is made; else it is given to `skip`.
 */
export function runConformance<C extends CaseContext>(options: ConformanceOptions<C>): void {
  const { cases, context, runner, onOutcome } = options;
  runner.describe(options.name, () => {
    for (const testCase of cases) {
      const { reason, refusable } = missingOf(testCase, context);
      if (reason !== "" && !(refusable && testCase.refuse !== undefined)) {
        onOutcome?.({ id: testCase.id, title: testCase.title, level: testCase.level, outcome: "unsupported", reason });
        runner.skip(testCase.title, `unsupported: ${reason}`);
        continue;
      }
      const name = reason === "" ? testCase.title : `${testCase.title} [unsupported: ${reason}]`;
      const body = async (): Promise<void> => {
        const outcome = await runCase(testCase, context);
        onOutcome?.(outcome);
        if (outcome.outcome === "failed") throw outcome.error;
      };
      // Cleaning comes after the case's own deadline.
      runner.it(name, body, (testCase.timeoutMs ?? CASE_TIMEOUT_MS) + 30_000);
    }
  });
}

function reasonOf(error: unknown): string {
  if (PodkitError.is(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
