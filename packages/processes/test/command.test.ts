import { describe, expect, it } from "vitest";
import {
  describeCommand,
  parseCommand,
  parseEnv,
  parsePath,
  parseSignal,
  parseTimeout,
  parseUser,
} from "../src/index.js";

const refused = (field: string) => expect.objectContaining({ code: "invalid_argument", details: { field } });

function error(run: () => unknown): unknown {
  try {
    run();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

describe("parseCommand", () => {
  it("gives a string to the shell and takes an array as it is", () => {
    expect(parseCommand("echo $HOME").argv).toEqual(["/bin/sh", "-c", "echo $HOME"]);
    expect(parseCommand(["echo", "$HOME", ""]).argv).toEqual(["echo", "$HOME", ""]);
  });

  it.each([[""], ["  \n"], [[]], [[""]], [["a\0b"]], ["a\0b"], [[1]], [null], [{}]])("refuses %j", (command) => {
    expect(error(() => Reflect.apply(parseCommand, undefined, [command]))).toEqual(refused("command"));
  });

  it("copies and freezes", () => {
    const argv = ["ls"];
    const env = { A: "1" };
    const parsed = parseCommand(argv, { env });
    argv.push("-l");
    env.A = "2";
    expect(parsed).toMatchObject({ argv: ["ls"], env: { A: "1" } });
    expect(Object.isFrozen(parsed.argv)).toBe(true);
    expect(Object.isFrozen(parsed.env)).toBe(true);
  });

  it.each([
    ["cwd", { cwd: "" }],
    ["cwd", { cwd: "a\0" }],
    ["cwd", { cwd: "ü".repeat(2049) }],
    ["env", { env: { "": "x" } }],
    ["env", { env: { "A=B": "x" } }],
    ["env", { env: { "A\0": "x" } }],
    ["env", { env: { A: "x\0" } }],
    ["env", { env: { A: 1 } }],
    ["env", { env: [] }],
    ["user", { user: "a b" }],
    ["user", { user: "a:b:c" }],
    ["user", { user: "-root" }],
    ["timeoutMs", { timeoutMs: 0 }],
    ["timeoutMs", { timeoutMs: -1 }],
    ["timeoutMs", { timeoutMs: Number.NaN }],
    ["timeoutMs", { timeoutMs: Number.POSITIVE_INFINITY }],
    ["timeoutMs", { timeoutMs: "5" }],
    ["pty", { pty: { columns: 0, rows: 1 } }],
    ["pty", { pty: { columns: 1.5, rows: 1 } }],
  ])("refuses %s in %j", (field, options) => {
    expect(error(() => Reflect.apply(parseCommand, undefined, ["true", options]))).toEqual(refused(field));
  });

  it("never shows an environment's value", () => {
    const thrown = error(() => parseEnv({ TOKEN: "secret\0" }));
    expect(String(thrown)).toContain("TOKEN");
    expect(String(thrown)).not.toContain("secret");
  });

  it("takes __proto__ as a name like any other", () => {
    expect(Object.keys(parseEnv(JSON.parse('{"__proto__":"x"}')))).toEqual(["__proto__"]);
  });

  it.each([["root"], ["1000"], ["1000:1000"], ["www-data:www-data"], ["_apt"]])("takes user %s", (user) => {
    expect(parseUser(user)).toBe(user);
  });

  it("takes the longest path, and rounds a time up", () => {
    expect(parsePath("path", "x".repeat(4096))).toHaveLength(4096);
    expect(parseTimeout("timeoutMs", 0.2)).toBe(1);
  });

  it("checks signals by name", () => {
    expect(parseSignal("SIGRTMIN+1")).toBe("SIGRTMIN+1");
    for (const bad of ["9", "sigterm", "", "SIG TERM"])
      expect(error(() => parseSignal(bad))).toEqual(refused("signal"));
  });

  it("describes a command on one short line", () => {
    expect(describeCommand(["/bin/sh", "-c", "echo a\necho b"])).toBe('"echo a\\necho b"');
    expect(describeCommand(["x".repeat(500)]).length).toBeLessThan(100);
  });
});
