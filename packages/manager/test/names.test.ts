import { PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { containerName, volumeName } from "../src/names.js";
import { getWorkspacePath, toContainerPath, toHostPath } from "../src/paths.js";

describe("names", () => {
  it("are frozen: these were computed with sha256sum", () => {
    expect(containerName({ prefix: "podkit", userId: "bob", sessionId: "123" })).toBe(
      "podkit-123bob-2a72262e2101ff9014d3",
    );
    expect(
      containerName({ prefix: "podkit-test", userId: "Alice@Example.com", sessionId: "Job_42.long-session-name" }),
    ).toBe("podkit-test-job42longsessionname-457aeb8d9202281a36ce");
    expect(volumeName("podkit", "bob", "cache")).toBe("podkit-cbd37a1ba214dab67481-cache");
  });

  it("fit in 63 characters and in the engine's grammar, and differ for ids that share a slug", () => {
    const long = "x".repeat(128);
    const name = containerName({ prefix: "a".repeat(20), userId: long, sessionId: long });
    expect(name.length).toBeLessThanOrEqual(63);
    expect(name).toMatch(/^[a-z0-9-]+$/);
    const a = containerName({ prefix: "podkit", userId: "a", sessionId: "bc" });
    expect(a).not.toBe(containerName({ prefix: "podkit", userId: "A", sessionId: "bc" }));
    expect(a).not.toBe(containerName({ prefix: "podkit", userId: "bc", sessionId: "a" }));
  });

  it.each([
    ["../x", "s"],
    ["u", "a/b"],
    ["u", "a\0b"],
    ["", "s"],
    ["u", "$(reboot)"],
    ["u", "a\n"],
    [".hidden", "s"],
    ["u", "x".repeat(129)],
  ])("(31) refuse the ids %j %j", (userId, sessionId) => {
    const attempt = (): string => containerName({ prefix: "podkit", userId, sessionId });
    expect(attempt).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    expect(() => getWorkspacePath("/w", userId, sessionId)).toThrow(PodkitError);
  });

  it.each(["", "-a", "A", "a-", "a".repeat(21), "a_b"])("refuse the prefix %j", (prefix) => {
    expect(() => containerName({ prefix, userId: "u", sessionId: "s" })).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });
});

describe("paths", () => {
  const options = { workspace: "/data", userId: "bob", sessionId: "1" };

  it("stand below the workspace, apart where only case differs", () => {
    expect(getWorkspacePath("/data", "bob", "1")).toBe("/data/workspaces/bob/1");
    expect(getWorkspacePath("/data", "Bob", "1")).toBe("/data/workspaces/Bob~cd9fb1e148cc/1");
  });

  it("translate both ways", () => {
    expect(toHostPath("/workspace/a/b.txt", options)).toBe("/data/workspaces/bob/1/a/b.txt");
    expect(toHostPath("b.txt", options)).toBe("/data/workspaces/bob/1/b.txt");
    expect(toHostPath("/srv/x", { ...options, workingDir: "/srv" })).toBe("/data/workspaces/bob/1/x");
    expect(toContainerPath("/data/workspaces/bob/1/a", options)).toBe("/workspace/a");
    expect(toContainerPath("/data/workspaces/bob/1", options)).toBe("/workspace");
  });

  it.each(["/etc/passwd", "../2/x", "/workspace/../etc", "/workspacex", "a\0"])("(31) refuse %j outside", (path) => {
    expect(() => toHostPath(path, options)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  it("refuse a host path outside the session's folder", () => {
    expect(() => toContainerPath("/data/workspaces/bob/10", options)).toThrow(PodkitError);
  });
});
