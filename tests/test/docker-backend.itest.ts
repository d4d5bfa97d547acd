import { backendCases, runConformance } from "@podkit/testing";
import { describeDocker } from "../support/describe.js";
import { reporter } from "../support/report.js";
import { vitestRunner } from "../support/runner.js";

describeDocker("docker", ({ backendContext }) => {
  runConformance({
    name: "conformance of the backend",
    cases: backendCases,
    context: backendContext,
    runner: vitestRunner,
    onOutcome: reporter("docker"),
  });
});
