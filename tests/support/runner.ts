import type { TestRunner } from "@podkit/testing";
import { describe, it } from "vitest";

/** vitest, as the suite takes it. */
export const vitestRunner: TestRunner = {
  describe: (name, body) => void describe(name, body),
  it: (name, body, timeoutMs) => it(name, { timeout: timeoutMs }, body),
  skip: (name, reason) => it(name, ({ skip }) => skip(reason)),
};
