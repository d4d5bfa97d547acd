import type { ImageInfo } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { defaultsFor } from "../src/config/defaults.js";
import type { StoredRecord } from "../src/labels/record.js";
import { allMounts } from "../src/spec/mounts.js";
import { programOf } from "../src/spec/program.js";
import { containerSpec } from "../src/spec/spec.js";
import { refuseUnsupported } from "../src/spec/unsupported.js";
import { checkConfig, FIELD_NAMES } from "../src/validate/config.js";
import { ALL_CAPABILITIES, IMAGE } from "./fake/backend.js";

const identity = { prefix: "podkit", userId: "bob", sessionId: "1" };

function specOf(config: unknown, image: ImageInfo = IMAGE, can = ALL_CAPABILITIES) {
  const { asked } = checkConfig(config);
  const defaults = defaultsFor(asked, "app:1");
  const all = { ...defaults, ...asked };
  const program = programOf(all, image, "app:1");
  const record: StoredRecord = {
    asked,
    defaults,
    replaced: {},
    made: {
      image: "app:1",
      imageId: image.id,
      user: asked.user ?? (image.user || null),
      ports: [],
      mounts: allMounts([], all, identity),
      networks: asked.networks ?? [],
      program: program !== null,
    },
  };
  return containerSpec({ identity, name: "c", record, program, stopSignal: image.stopSignal, agentVersion: "9", can });
}

function init(config: unknown, image: ImageInfo = IMAGE): Record<string, unknown> {
  const [, word, json = ""] = specOf(config, image).argv;
  expect(word).toBe("init");
  const parsed: unknown = JSON.parse(json);
  return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
}

describe("a spec", () => {
  it("is safe by default, with the agent as PID 1", () => {
    const spec = specOf({});
    expect(spec).toMatchObject({
      user: "0:0",
      workingDir: "/",
      stopSignal: "SIGTERM",
      noNewPrivileges: true,
      readOnlyRootfs: false,
      limits: { cpus: 1, memoryBytes: 536_870_912, pids: 512 },
      capabilities: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "NET_BIND_SERVICE"],
    });
    expect(spec.labels).toMatchObject({
      "dev.podkit.prefix": "podkit",
      "dev.podkit.user": "bob",
      "dev.podkit.session": "1",
      "dev.podkit.agent": "9",
    });
  });

  it.each([
    [{}, { lifetimeMs: 60_000, program: null, user: "app", workingDir: "/workspace" }],
    [{ containerLifetimeMs: 5 }, { lifetimeMs: 5, program: null }],
    [{ entrypoint: [] }, { lifetimeMs: null, program: null }],
    [{ entrypoint: ["a", "b"] }, { lifetimeMs: null, program: ["a", "b"], programStopSignal: "QUIT" }],
    [{ command: ["x"] }, { lifetimeMs: null, program: ["/entry", "x"] }],
    [{ command: "x y" }, { program: ["/entry", "/bin/sh", "-c", "x y"] }],
    [{ entrypoint: [], command: "x" }, { program: ["/bin/sh", "-c", "x"] }],
    [{ useImageDefaults: true }, { lifetimeMs: null, program: ["/entry", "serve"] }],
    [{ useImageDefaults: true, entrypoint: ["no"], command: ["no"] }, { program: ["/entry", "serve"] }],
    [
      { user: "1:2", maxLifetimeMs: 7, workingDir: "/srv" },
      { user: "1:2", maxLifetimeMs: 7, workingDir: "/srv" },
    ],
  ])("(10) tells the agent, for %j, %j", (config, expected) => {
    expect(init(config)).toMatchObject(expected);
  });

  it("runs the image's program as PID 1 where that is asked for", () => {
    const root = { ...IMAGE, user: "" };
    expect(specOf({ agentAsInit: false }, root)).toMatchObject({ argv: ["/entry", "serve"], workingDir: "/workspace" });
    expect(specOf({ agentAsInit: false }, root)).not.toHaveProperty("user");
    expect(specOf({ agentAsInit: false }, root)).not.toHaveProperty("stopSignal");
    expect(specOf({ agentAsInit: false, user: "0", entrypoint: ["p"] })).toMatchObject({ argv: ["p"], user: "0" });
  });

  it("leaves the container root's where its PID 1 is another user's, so that the agent can serve any", () => {
    const spec = specOf({ agentAsInit: false });
    expect(spec).toMatchObject({
      argv: ["/.podkit/bin/podkit-agent", "run-as", "app", "--", "/entry", "serve"],
      user: "0:0",
    });
    expect(specOf({ agentAsInit: false, user: "7:8", entrypoint: ["p"] }).argv.slice(1)).toEqual([
      "run-as",
      "7:8",
      "--",
      "p",
    ]);
    const rootless = specOf({ agentAsInit: false, user: "7" }, IMAGE, { ...ALL_CAPABILITIES, anyUser: false });
    expect(rootless).toMatchObject({ argv: ["/entry", "serve"], user: "7" });
  });

  it("refuses an image's program where the image has none", () => {
    const empty = { ...IMAGE, entrypoint: [], command: [] };
    expect(() => specOf({ useImageDefaults: true }, empty)).toThrow(/neither ENTRYPOINT nor CMD/);
  });

  it("changes capabilities on the default list", () => {
    expect(specOf({ capabilities: { add: ["NET_ADMIN"], drop: ["CHOWN"] } }).capabilities).toEqual(
      expect.arrayContaining(["NET_ADMIN", "KILL"]),
    );
    expect(specOf({ capabilities: { drop: ["CHOWN"] } }).capabilities).not.toContain("CHOWN");
    expect(specOf({ capabilities: { drop: ["ALL"], add: ["KILL"] } }).capabilities).toEqual(["KILL"]);
  });

  it("keeps the working folder writable on a read-only root", () => {
    expect(specOf({ readOnlyRootfs: true }).mounts).toEqual([{ type: "anonymous", target: "/workspace" }]);
    const own = { readOnlyRootfs: true, volumes: [{ source: "/x", target: "/workspace" }] };
    expect(specOf(own).mounts).toEqual([{ type: "bind", source: "/x", target: "/workspace", readOnly: false }]);
  });

  it("(17) gives each user volumes of their own", () => {
    const mounts = allMounts([], checkConfig({ volumes: [{ source: "cache", target: "/c" }] }).asked, identity);
    expect(mounts).toMatchObject([
      { type: "volume", name: "podkit-cbd37a1ba214dab67481-cache", labels: { "dev.podkit.user": "bob" } },
    ]);
    const eve = allMounts([], checkConfig({ volumes: [{ source: "cache", target: "/c" }] }).asked, {
      ...identity,
      userId: "eve",
    });
    expect(eve).not.toEqual(mounts);
  });

  it("leaves a default limit out that the engine cannot keep", () => {
    const can = { ...ALL_CAPABILITIES, cpuLimit: false };
    expect(specOf({}, IMAGE, can).limits).toEqual({ memoryBytes: 536_870_912, pids: 512 });
  });

  it("refuses two mounts with one target", () => {
    const strategy = [{ type: "tmpfs", target: "/x" } as const];
    const { asked } = checkConfig({ volumes: [{ source: "/y", target: "/x" }] });
    expect(() => allMounts(strategy, asked, identity)).toThrow(/two mounts/);
  });
});

describe("what an engine cannot do", () => {
  const nothing = Object.fromEntries(
    Object.entries(ALL_CAPABILITIES).map(([name, value]) => [name, Array.isArray(value) ? [] : false]),
  );
  const can = { ...ALL_CAPABILITIES, ...nothing };
  const asked: Record<string, unknown> = {
    image: "a",
    inheritParentImage: true,
    inheritParentNetworks: true,
    platform: "linux/amd64",
    cpuLimit: 1,
    memoryLimit: "1g",
    pidsLimit: 64,
    diskLimit: "1g",
    shmSize: "1m",
    tmpfs: ["/t"],
    ulimits: [{ name: "nofile", soft: 1, hard: 1 }],
    gpus: 1,
    dns: ["1.1.1.1"],
    extraHosts: [{ host: "a", address: "1.1.1.1" }],
    runtime: "runsc",
    readOnlyRootfs: true,
    command: ["x"],
    useImageDefaults: true,
    volumes: [{ source: "v", target: "/v" }],
    ports: [80],
    networks: ["n"],
    network: "none",
    capabilities: { drop: ["KILL"] },
    noNewPrivileges: true,
    autoRemove: true,
  };
  const always = [
    "pullPolicy",
    "containerLifetimeMs",
    "maxLifetimeMs",
    "sessionInactivityTimeoutMs",
    "entrypoint",
    "agentAsInit",
    "environment",
    "workingDir",
    "user",
    "tty",
    "stdinOpen",
    "startupVerification",
    "labels",
  ];

  it("is known for every field", () => {
    expect([...Object.keys(asked), ...always].sort()).toEqual([...FIELD_NAMES].sort());
  });

  it.each(Object.keys(asked))("(15) refuses %s, and takes it where the engine can", (field) => {
    const { asked: one } = checkConfig({ [field]: asked[field] });
    expect(() => refuseUnsupported(one, can, "fake")).toThrow(
      expect.objectContaining({ code: "unsupported", details: { field, backend: "fake" } }),
    );
    expect(() => refuseUnsupported(one, { ...ALL_CAPABILITIES, runtimes: ["runsc"] }, "fake")).not.toThrow();
  });
});
