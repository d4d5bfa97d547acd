import { describe, expect, it } from "vitest";
import { PodkitError, parseBytes, parseId, parsePrefix, quote } from "../src/index.js";

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (PodkitError.is(error)) return error.code;
    throw error;
  }
  return "none";
}

describe("ids and prefixes", () => {
  it.each(["bob", "a", "A.b_c@d-e", "0", "x".repeat(128)])("takes %j", (id) => {
    expect(parseId("userId", id)).toBe(id);
  });

  it.each([
    "",
    ".",
    "..",
    "../x",
    "/etc",
    "a/b",
    "a b",
    "a\n",
    "a\0",
    "-a",
    "x".repeat(129),
    "é",
    "$(id)",
    7,
    null,
    undefined,
  ])("row 31: refuses the id %j", (id) => {
    expect(codeOf(() => parseId("sessionId", id))).toBe("invalid_argument");
  });

  it.each(["podkit", "a", "podkit-test", "a1"])("takes the prefix %j", (prefix) => {
    expect(parsePrefix(prefix)).toBe(prefix);
  });

  it.each(["", "-a", "a-", "A", "a_b", "x".repeat(21), "a\n"])("refuses the prefix %j", (prefix) => {
    expect(codeOf(() => parsePrefix(prefix))).toBe("invalid_argument");
  });

  it("quotes values on one line and short", () => {
    expect(quote("a\nb")).toBe('"a\\nb"');
    expect(quote("x".repeat(500)).length).toBeLessThan(90);
    expect(quote(Object.create(null))).toBe('"object"');
  });
});

describe("sizes", () => {
  it.each([
    ["512m", 536_870_912],
    ["1g", 1_073_741_824],
    ["1G", 1_073_741_824],
    ["64k", 65_536],
    ["10b", 10],
    ["4096", 4096],
    [4096, 4096],
  ])("reads %j", (text, bytes) => {
    expect(parseBytes("memoryLimit", text)).toBe(bytes);
  });

  it.each([
    "1x",
    "",
    "m",
    "-1",
    "1.5g",
    "1 g",
    " 1g",
    "0",
    0,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    "9".repeat(30),
    "999999999999999g",
  ])("refuses %j and says what would be right", (text) => {
    expect(codeOf(() => parseBytes("memoryLimit", text))).toBe("invalid_argument");
    expect(() => parseBytes("memoryLimit", text)).toThrow(/memoryLimit .* such as "512m"/);
  });
});
