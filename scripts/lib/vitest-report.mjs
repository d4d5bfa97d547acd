// A vitest reporter: which tests passed, failed and did not run (and why), as JSON in the file PODKIT_REPORT.
import { writeFileSync } from "node:fs";

/** @param {{ project: { name: string }, module: { relativeModuleId: string }, fullName: string }} test */
const nameOf = ({ project, module, fullName }) =>
  [project.name, module.relativeModuleId, fullName].filter(Boolean).join(" > ");

export default class Report {
  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const passed = [];
    const failed = unhandledErrors.map(
      (error) => `unhandled error: ${String(/** @type {any} */ (error)?.message ?? error)}`,
    );
    const skipped = [];
    for (const module of modules) {
      // A file that could not be loaded has no tests to count.
      if (module.errors().length > 0) failed.push(`${module.moduleId}: ${module.errors()[0]?.message}`);
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") passed.push(nameOf(test));
        else if (result.state === "failed") failed.push(nameOf(test));
        else
          skipped.push({
            name: nameOf(test),
            reason: ("note" in result && result.note) || (test.options.mode === "todo" ? "todo" : "skipped"),
          });
      }
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) failed.push(nameOf(suite));
    }
    const file = process.env["PODKIT_REPORT"];
    if (file) writeFileSync(file, JSON.stringify({ passed, failed, skipped }, null, 1));
  }
}
