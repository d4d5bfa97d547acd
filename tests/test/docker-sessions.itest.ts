import { runConformance, sessionCases } from "@podkit/testing";
import { describeDocker } from "../support/describe.js";
import { reporter } from "../support/report.js";
import { vitestRunner } from "../support/runner.js";

describeDocker("docker", ({ sessionContext }) => {
  runConformance({
    name: "conformance of sessions",
    cases: sessionCases,
    context: sessionContext,
    runner: vitestRunner,
    onOutcome: reporter("docker"),
  });
});
