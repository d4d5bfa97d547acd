import { runConformance, sessionCases } from "@podkit/testing";
import { afterAll, describe, it } from "vitest";
import { dockerSetup } from "../support/docker.js";
import { dockerAsked } from "../support/engines.js";
import { reporter } from "../support/report.js";
import { vitestRunner } from "../support/runner.js";

if (dockerAsked()) {
  const setup = await dockerSetup();
  afterAll(() => setup.close());
  runConformance({
    name: "docker: sessions",
    cases: sessionCases,
    context: setup.sessionContext,
    runner: vitestRunner,
    onOutcome: reporter("docker"),
  });
} else {
  describe("docker: sessions", () => it("conformance", ({ skip }) => skip("Docker was not asked for")));
}
