import { describe, expect, it } from "vitest";
import { ExecFailedError, ExecTimeoutError, PodkitError } from "../src/index.js";

const result = {
  exitCode: 3,
  signal: null,
  stdout: "",
  stderr: "no",
  timedOut: false,
  truncated: false,
  oomKilled: false,
  durationMs: 1,
} as const;

describe("PodkitError", () => {
  it("is recognised by its brand and code, also across duplicate installs", () => {
    const own = new PodkitError("not_found", "gone");
    expect(PodkitError.is(own)).toBe(true);
    expect(PodkitError.is(own, "not_found")).toBe(true);
    expect(PodkitError.is(own, "conflict")).toBe(false);
    const foreign = Object.assign(new Error("gone"), { code: "not_found", [Symbol.for("podkit.error")]: true });
    expect(PodkitError.is(foreign, "not_found")).toBe(true);
  });

  it("is nothing else's: look-alikes, null and text", () => {
    for (const other of [null, undefined, "not_found", 7, new Error("x"), { code: "not_found" }]) {
      expect(PodkitError.is(other)).toBe(false);
    }
  });

  it("is retryable where the engine is unavailable, or where it says so", () => {
    expect(new PodkitError("unavailable", "x").retryable).toBe(true);
    expect(new PodkitError("internal", "x").retryable).toBe(false);
    expect(new PodkitError("exec_lost", "x", { retryable: true }).retryable).toBe(true);
  });

  it("keeps its cause, and shows the brand nowhere", () => {
    const cause = new Error("beneath");
    const error = new PodkitError("internal", "x", { cause });
    expect(error.cause).toBe(cause);
    expect(Object.keys(error).toSorted()).toEqual(["code", "details", "name", "retryable"]);
  });

  it("carries results in its two subclasses", () => {
    const failed = new ExecFailedError("it failed", result);
    expect(failed.details).toEqual({ exitCode: 3, signal: null });
    expect(failed.result).toBe(result);
    expect(new ExecTimeoutError("late", result).code).toBe("timeout");
  });
});
