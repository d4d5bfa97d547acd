import { EventBus, PodkitError } from "podkit";
import { describe, expect, it } from "vitest";
import { toConfig, toEnv, toMilliseconds, toMismatch, toPort, toVolume } from "../src/flags.js";
import { warnOfLeftovers } from "../src/leftovers.js";
import { LogText } from "../src/log-text.js";
import { pullLine, showPulls } from "../src/progress.js";
import { report } from "../src/report.js";
import { parsePlace, parseReference, takeSession } from "../src/session-ref.js";
import { exitCodeOf } from "../src/signals.js";
import { ago, facts, size, table } from "../src/table.js";
import { checkTail } from "../src/tail.js";
import { inOwnWords } from "../src/words.js";
import { fakeIo } from "./support/fake-io.js";

const refused = expect.objectContaining({ code: "invalid_argument" });

describe("sessions by name", () => {
  it("takes USER/SESSION, or the flags", () => {
    const id = { userId: "bob", sessionId: "123" };
    expect(takeSession(["bob/123", "ls"], {})).toEqual({ id, rest: ["ls"] });
    expect(takeSession(["ls"], { user: "bob", session: "123" })).toEqual({ id, rest: ["ls"] });
    for (const bad of ["bob", "bob/", "/123", "a/b/c", "../x", "a b/c", "bob/-x"]) {
      expect(() => parseReference(bad)).toThrow(refused);
    }
    expect(() => takeSession([], {})).toThrow(refused);
    expect(() => takeSession(["x/y"], { user: "bob" })).toThrow(refused);
    expect(() => takeSession([], { user: "../x", session: "1" })).toThrow(refused);
  });

  it("tells places in a session from paths of this machine", () => {
    const id = { userId: "bob", sessionId: "1" };
    expect(parsePlace("bob/1:/a b/c:d\n")).toEqual({ kind: "session", id, path: "/a b/c:d\n" });
    expect(parsePlace("bob/1:")).toEqual({ kind: "session", id, path: "." });
    for (const path of ["bob/1", "./bob/1:x", "/bob/1:x", "C:x", "a/b/c:x", "."]) {
      expect(parsePlace(path)).toEqual({ kind: "local", path });
    }
  });
});

describe("flags", () => {
  it("become a configuration", () => {
    expect(
      toConfig({ image: "x", cpus: "1.5", memory: "1g", pids: "99", network: "none", pull: "never", readOnly: true }),
    ).toEqual({
      image: "x",
      cpuLimit: 1.5,
      memoryLimit: "1g",
      pidsLimit: 99,
      network: "none",
      pullPolicy: "never",
      readOnlyRootfs: true,
    });
    expect(toConfig({ network: "mine" })).toEqual({ networks: ["mine"] });
    expect(toConfig({})).toEqual({});
    for (const bad of [{ cpus: "many" }, { cpus: "" }, { pull: "often" }]) expect(() => toConfig(bad)).toThrow(refused);
  });

  it("read volumes, ports, environments and times", () => {
    expect(toVolume("/a:/b:ro")).toEqual({ source: "/a", target: "/b", readOnly: true });
    expect(toVolume("cache:/b")).toEqual({ source: "cache", target: "/b", readOnly: false });
    for (const bad of ["/a", "/a:b", ":/b", "/a:/b:rx", "/a:/b:ro:x"]) expect(() => toVolume(bad)).toThrow(refused);
    expect(toPort("80")).toEqual({ container: 80 });
    expect(toPort("8080:80/udp")).toEqual({ container: 80, host: 8080, protocol: "udp" });
    expect(toPort("0.0.0.0:0:80")).toEqual({ container: 80, host: 0, address: "0.0.0.0" });
    expect(toPort("[::1]:1:2")).toEqual({ container: 2, host: 1, address: "::1" });
    for (const bad of ["", "x", "1:2:3:4", "80/sctp", "-1"]) expect(() => toPort(bad)).toThrow(refused);
    expect(toEnv(["A=1=2", "B", "C=", "D"], { B: "own" })).toEqual({ A: "1=2", B: "own", C: "" });
    expect(() => toEnv(["=x"], {})).toThrow(refused);
    expect(["500ms", "1.5", "30s", "5m", "1h"].map((text) => toMilliseconds("--timeout", text))).toEqual([
      500, 1500, 30_000, 300_000, 3_600_000,
    ]);
    for (const bad of ["", "x", "5d", "-1s"]) expect(() => toMilliseconds("--timeout", bad)).toThrow(refused);
    expect([checkTail(undefined), checkTail("all"), checkTail("0")]).toEqual([undefined, undefined, 0]);
    expect(() => checkTail("-1")).toThrow(refused);
  });
});

describe("what is shown", () => {
  it("tables and facts stand in columns", () => {
    expect(table(["A", "LONG"], [["xxx", "y"]])).toBe("A    LONG\nxxx  y\n");
    expect(
      facts([
        ["a", "1"],
        ["long", "2"],
      ]),
    ).toBe("a:    1\nlong: 2\n");
    expect([ago(0, 5_000), ago(0, 600_000), ago(0, 36_000_000), ago(0, 864_000_000), ago(9, 0)]).toEqual([
      "5 s ago",
      "10 min ago",
      "10 h ago",
      "10 days ago",
      "0 s ago",
    ]);
  });

  it("errors are a sentence, or JSON, with a stack only on demand", () => {
    const error = new PodkitError("not_found", "There is no x.", { details: { x: 1 }, cause: new Error("beneath") });
    const shown = (flags: { json?: boolean; debug?: boolean }, what: unknown = error): string => {
      const io = fakeIo();
      report(what, flags, io);
      return io.written.stderr;
    };
    expect(shown({})).toBe("podkit: There is no x.\n");
    expect(JSON.parse(shown({ json: true }))).toEqual({
      error: { code: "not_found", retryable: false, details: { x: 1 }, message: "There is no x." },
    });
    expect(shown({ debug: true })).toMatch(/parts\.test\.ts[\s\S]*beneath/);
    expect(shown({}, new TypeError("oops"))).toContain("--debug");
    expect(JSON.parse(shown({ json: true }, "text"))).toMatchObject({ error: { code: "internal", message: "text" } });
  });

  it("pulls are one line, no wider than the terminal and without control characters", () => {
    const layers = [
      { current: 500_000, total: 1_000_000 },
      { current: 9_000_000, total: 2_000_000 },
    ];
    expect(pullLine("alpine", "Downloading", layers, 80)).toBe("Pulling alpine: 2.5 of 3.0 MB");
    expect(pullLine("a\x1b[31m\nb", "x", [], 80)).toBe("Pulling a[31mb: x");
    expect(pullLine("x".repeat(200), "x", [], 40)).toHaveLength(39);
  });

  it("pulls are said once an image where stderr is no terminal, and written over where it is", () => {
    for (const isTTY of [true, false]) {
      const events = new EventBus();
      const io = fakeIo({ isTTY, columns: 40 });
      const done = showPulls(events, io.stderr, () => 0);
      const progress = { image: "img", layer: "l", status: "Downloading", currentBytes: 1, totalBytes: 2 };
      for (let time = 0; time < 3; time += 1) events.emit({ type: "image.pulling", at: 0, progress });
      done();
      events.emit({ type: "image.pulling", at: 0, progress });
      expect(io.written.stderr).toBe(isTTY ? "\r\x1b[KPulling img: 0.0 of 0.0 MB\r\x1b[K" : "Pulling img\n");
    }
  });

  it("row 44: characters that a log's pieces cut stay whole, in each stream by itself", () => {
    const text = new LogText();
    const bytes = new TextEncoder().encode("é");
    expect(text.take("stdout", bytes.subarray(0, 1))).toBe("");
    expect(text.take("stderr", bytes.subarray(0, 1))).toBe("");
    expect(text.take("stdout", bytes.subarray(1))).toBe("é");
    expect([text.end("stdout"), text.end("stderr")]).toEqual(["", "\ufffd"]);
  });

  it("sizes are in the largest unit that fits", () => {
    expect([0, 2047, 512 * 1024 ** 2, 1.5 * 1024 ** 3, 4 * 1024 ** 3].map(size)).toEqual([
      "0 bytes",
      "2047 bytes",
      "512 MiB",
      "1536 MiB",
      "4 GiB",
    ]);
  });

  it("advice is in words of the command line", () => {
    const id = { userId: "bob", sessionId: "1" };
    const shown = (message: string): string => inOwnWords(new PodkitError("not_found", message, { details: id }));
    expect(shown("There is no session 1 of bob. Make it with createSession.")).toBe(
      "There is no session 1 of bob. Make it with `podkit run --user bob --session 1 -- COMMAND`.",
    );
    expect(shown('remove it first, or pass onConfigMismatch: "reuse" or "recreate".')).toBe(
      "remove it first, or pass --on-mismatch reuse or recreate.",
    );
    expect(toMismatch("reuse")).toBe("reuse");
    expect(() => toMismatch("perhaps")).toThrow(/error, reuse, recreate/);
  });

  it("a container that is left is said", () => {
    const events = new EventBus();
    const error = new PodkitError("unavailable", "Docker is away.");
    for (const json of [false, true]) {
      const io = fakeIo();
      const done = warnOfLeftovers(events, { json }, io);
      events.emit({ type: "container.removalFailed", at: 0, containerName: "c", error });
      done();
      events.emit({ type: "container.removalFailed", at: 0, containerName: "c", error });
      const warning = "Container c could not be removed, and is left: Docker is away.";
      expect(io.written.stderr).toBe(json ? `${JSON.stringify({ warning })}\n` : `podkit: ${warning}\n`);
    }
  });

  it("exit codes follow the shells", () => {
    expect(exitCodeOf({ exitCode: 3, signal: null, timedOut: false })).toBe(3);
    expect(exitCodeOf({ exitCode: null, signal: "SIGINT", timedOut: false })).toBe(130);
    expect(exitCodeOf({ exitCode: null, signal: "SIGKILL", timedOut: false })).toBe(137);
    expect(exitCodeOf({ exitCode: null, signal: "SIGKILL", timedOut: true })).toBe(124);
  });
});
