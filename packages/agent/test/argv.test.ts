import { describe, expect, it } from "vitest";
import { runAsArgv } from "../src/index.js";

describe("runAsArgv", () => {
  it("keeps the program's words apart from the user", () => {
    expect(runAsArgv("app:1", ["-x", "--", "y"])).toEqual([
      "/.podkit/bin/podkit-agent",
      "run-as",
      "app:1",
      "--",
      "-x",
      "--",
      "y",
    ]);
    expect(() => runAsArgv("app", [])).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});
