import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AGENT_PATH } from "@podkit/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AGENT_VERSION, type AgentInit, agentSource, connectArgv, initArgv } from "../src/index.js";
import { failure } from "./support/client.js";

const BYTES = Buffer.from("a binary");
const SHA256 = createHash("sha256").update(BYTES).digest("hex");
let folder = "";

function write(manifest: unknown): void {
  writeFileSync(join(folder, "manifest.json"), typeof manifest === "string" ? manifest : JSON.stringify(manifest));
}

const manifest = (entry: object = {}): object => ({
  version: AGENT_VERSION,
  binaries: { "linux/amd64": { file: "linux-x64/podkit-agent", sha256: SHA256, size: BYTES.length, ...entry } },
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pt-source-"));
  mkdirSync(join(folder, "linux-x64"));
  writeFileSync(join(folder, "linux-x64/podkit-agent"), BYTES);
  write(manifest());
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("agentSource", () => {
  it("has the package's version", () => {
    const own: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
    expect(own).toMatchObject({ version: AGENT_VERSION });
    expect(agentSource({ binDir: folder }).version).toBe(AGENT_VERSION);
  });

  it("gives hash and bytes, and reads them once", async () => {
    const source = agentSource({ binDir: folder });
    expect(await source.sha256("linux/amd64")).toBe(SHA256);
    expect(Buffer.from(await source.binary("linux/amd64")).equals(BYTES)).toBe(true);
    rmSync(join(folder, "linux-x64"), { recursive: true });
    expect(Buffer.from(await source.binary("linux/amd64")).equals(BYTES)).toBe(true);
  });

  it("names the platforms that there are", async () => {
    const error = await failure(agentSource({ binDir: folder }).binary("linux/riscv64"));
    expect(error.code).toBe("unsupported");
    expect(error.message).toMatch(/"linux\/riscv64".*linux\/amd64/);
  });

  it("reads nothing before it is asked, and tries again after a failure", async () => {
    rmSync(join(folder, "manifest.json"));
    const source = agentSource({ binDir: folder });
    expect(await failure(source.sha256("linux/amd64"))).toMatchObject({ code: "internal" });
    write(manifest());
    expect(await source.sha256("linux/amd64")).toBe(SHA256);
    writeFileSync(join(folder, "linux-x64/podkit-agent"), "half");
    const error = await failure(source.binary("linux/amd64"));
    expect(error.message).toContain("SHA-256");
    writeFileSync(join(folder, "linux-x64/podkit-agent"), BYTES);
    expect((await source.binary("linux/amd64")).length).toBe(BYTES.length);
  });

  it.each([
    ["no JSON", "{"],
    ["another version", { ...manifest(), version: "9.9.9" }],
    ["no binaries", { version: AGENT_VERSION }],
    ["a file elsewhere", manifest({ file: "../../etc/passwd" })],
    ["an absolute file", manifest({ file: "/etc/passwd" })],
    ["no hash", manifest({ sha256: "abc" })],
  ])("refuses a manifest with %s", async (_, content) => {
    write(content);
    expect(await failure(agentSource({ binDir: folder }).binary("linux/amd64"))).toMatchObject({ code: "internal" });
  });
});

describe("argv", () => {
  const INIT: AgentInit = {
    lifetimeMs: 60_000,
    maxLifetimeMs: null,
    user: "1000:1000",
    workingDir: "/workspace",
    program: ["a"],
    programStopSignal: "SIGQUIT",
  };

  it("starts the agent as PID 1, and the bridge", () => {
    const [path, command, json] = initArgv(INIT);
    expect([path, command]).toEqual([AGENT_PATH, "init"]);
    expect(JSON.parse(json ?? "")).toEqual({ ...INIT, programStopSignal: "QUIT" });
    expect(connectArgv()).toEqual([AGENT_PATH, "connect"]);
    expect(connectArgv(INIT)).toEqual([AGENT_PATH, "connect", "--start", json]);
  });

  it.each([
    ["a lifetime of 0", { lifetimeMs: 0 }],
    ["a broken lifetime", { maxLifetimeMs: 1.5 }],
    ["NaN", { lifetimeMs: Number.NaN }],
    ["a relative folder", { workingDir: "work" }],
    ["a program without elements", { program: [] }],
  ])("refuses %s", (_, change) => {
    expect(() => initArgv({ ...INIT, ...change })).toThrow("cannot be started");
  });
});
