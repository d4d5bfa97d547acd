import { describe, expect, it } from "vitest";
import { compareConfigs, conflictError } from "../src/config/compare.js";
import { defaultsFor } from "../src/config/defaults.js";
import { identityOf, LABEL_SCHEMA, LABEL_SPEC, requireOwn } from "../src/labels/labels.js";
import { type Made, parseRecord, type StoredRecord, serializeRecord } from "../src/labels/record.js";
import { checkConfig } from "../src/validate/config.js";

const made: Made = {
  image: "app:1",
  imageId: "sha256:1",
  user: null,
  ports: [{ container: 80, host: 40_000, address: "127.0.0.1", protocol: "tcp" }],
  mounts: [{ type: "bind", source: "/data/x", target: "/workspace", readOnly: false }],
  networks: ["net-a"],
  program: false,
};

function recordOf(config: unknown, replaced: unknown = {}): StoredRecord {
  const { asked } = checkConfig(config);
  return { asked, defaults: defaultsFor(asked, "app:1"), replaced: checkConfig(replaced).asked, made };
}

function labelsOf(text: string, schema = "1"): Record<string, string> {
  return { [LABEL_SPEC]: text, [LABEL_SCHEMA]: schema };
}

describe("asking for what is there anyway", () => {
  const empty = {
    dns: [],
    tmpfs: [],
    ulimits: [],
    extraHosts: [],
    volumes: [],
    networks: [],
    labels: {},
    environment: {},
  };

  it("row 34: is no difference: empty lists, also for a record that knows nothing of them", () => {
    const { asked } = checkConfig(empty);
    expect(compareConfigs(asked, recordOf({}))).toEqual([]);
    expect(compareConfigs(asked, { asked: {}, defaults: { environment: {}, labels: {} }, replaced: {} })).toEqual([]);
    expect(compareConfigs(asked, recordOf({ dns: ["1.1.1.1"] }))).toMatchObject([{ field: "dns" }]);
  });

  it("row 34: is no difference: the platform that the image has", () => {
    const present = { ...recordOf({}), made: { ...made, platform: "linux/amd64" } };
    expect(compareConfigs({ platform: "linux/amd64" }, present)).toEqual([]);
    expect(compareConfigs({ platform: "linux/arm64" }, present)).toEqual([
      { field: "platform", asked: '"linux/arm64"', present: '"linux/amd64"' },
    ]);
    expect(parseRecord(labelsOf(serializeRecord(present)), "c")).toEqual(present);
    expect(compareConfigs({ platform: "linux/amd64" }, recordOf({}))).toHaveLength(1);
  });
});

describe("a stored record", () => {
  it("comes back as it was", () => {
    const record = recordOf({
      ports: [{ container: 80, host: 0 }],
      environment: { A: "1" },
      volumes: [{ source: "v", target: "/v" }],
    });
    expect(parseRecord(labelsOf(serializeRecord(record)), "c")).toEqual(record);
  });

  it("is refused above 128 KiB", () => {
    const fits = recordOf({ environment: { A: "x".repeat(120_000) } });
    expect(serializeRecord(fits).length).toBeGreaterThan(120_000);
    expect(() => serializeRecord(recordOf({ environment: { A: "x".repeat(131_072) } }))).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });

  it.each([
    ["of a newer schema", labelsOf("{}", "2"), /newer podkit/],
    ["that is missing", {}, /missing/],
    ["that is no JSON", labelsOf("{"), /damaged/],
    [
      "with a bad value",
      labelsOf('{"schema":1,"asked":{"ports":[-1]},"defaults":{},"replaced":{},"made":{}}'),
      /damaged/,
    ],
    [
      "with an unknown field",
      labelsOf('{"schema":1,"asked":{"evil":1},"defaults":{},"replaced":{},"made":{}}'),
      /damaged/,
    ],
    ["that is null", labelsOf("null"), /damaged/],
    ["that is far too large", labelsOf(`"${"x".repeat(200_000)}"`), /too large/],
    [
      "with a mount to climb out with",
      labelsOf(serializeRecord(recordOf({})).replace('"/data/x"', '"/data/../etc"')),
      /damaged/,
    ],
  ])("is invalid_state %s", (_, labels, message) => {
    expect(() => parseRecord(labels, "c")).toThrow(message);
    expect(() => parseRecord(labels, "c")).toThrow(expect.objectContaining({ code: "invalid_state" }));
  });

  it("survives random damage with nothing but invalid_state", () => {
    const text = serializeRecord(recordOf({ ports: [80], environment: { A: "1" } }));
    let state = 7;
    for (let round = 0; round < 3_000; round += 1) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      const at = state % text.length;
      const damaged = text.slice(0, at) + String.fromCharCode(32 + (state % 90)) + text.slice(at + 1 + (state % 3));
      try {
        parseRecord(labelsOf(damaged), "c");
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid_state" });
      }
    }
  });
});

describe("labels", () => {
  it("say whose a container is, or nothing", () => {
    const labels = { "dev.podkit.prefix": "podkit", "dev.podkit.user": "bob", "dev.podkit.session": "1" };
    const identity = { prefix: "podkit", userId: "bob", sessionId: "1" };
    expect(identityOf(labels)).toEqual(identity);
    expect(identityOf({ ...labels, "dev.podkit.user": "../x" })).toBeNull();
    expect(() => requireOwn(labels, identity, "c")).not.toThrow();
    expect(() => requireOwn(labels, { ...identity, userId: "eve" }, "c")).toThrow(
      expect.objectContaining({ code: "conflict" }),
    );
    expect(() => requireOwn({}, identity, "c")).toThrow(/left alone/);
  });
});

describe("comparing", () => {
  const compare = (asked: unknown, present: StoredRecord): string[] =>
    compareConfigs(checkConfig(asked).asked, present).map(({ field }) => field);

  it.each([
    [{ memoryLimit: "1g" }, { memoryLimit: 1_073_741_824 }],
    [{ ports: [80] }, { ports: [{ container: 80, host: 80 }] }],
    [{ ports: [80, 81] }, { ports: [81, 80] }],
    [{ image: "app" }, { image: "docker.io/library/app:latest" }],
    [{ networks: ["b", "a"] }, { networks: ["a", "b"] }],
    [{ cpuLimit: 1 }, {}],
    [{}, { cpuLimit: 3, image: "x" }],
    [{ image: "app:1" }, {}],
    [{ pullPolicy: "always" }, {}],
    [{ environment: { A: "1", B: "2" } }, { environment: { B: "2", A: "1" } }],
    [{ startupVerification: { logLines: 3 } }, {}],
  ])("%j is the same as %j", (asked, stored) => {
    expect(compare(asked, recordOf(stored))).toEqual([]);
  });

  it.each([
    [{ memoryLimit: "1g" }, {}, ["memoryLimit"]],
    [{ image: "other" }, {}, ["image"]],
    [{ command: ["a", "b"] }, { command: ["b", "a"] }, ["command"]],
    [{ entrypoint: [] }, {}, ["entrypoint"]],
    [{ dns: ["1.1.1.1", "8.8.8.8"] }, { dns: ["8.8.8.8", "1.1.1.1"] }, ["dns"]],
    [{ ports: [{ container: 80, host: 0 }] }, { ports: [80] }, ["ports"]],
    [{ environment: { A: "2" } }, { environment: { A: "1" } }, ["environment"]],
  ])("%j differs from %j", (asked, stored, fields) => {
    expect(compare(asked, recordOf(stored))).toEqual(fields);
  });

  it("takes what a hook replaced for the same wish", () => {
    const record = recordOf({ memoryLimit: "256m" }, { memoryLimit: "1g" });
    expect(compare({ memoryLimit: "1g" }, record)).toEqual([]);
    expect(compare({ memoryLimit: "2g" }, record)).toEqual(["memoryLimit"]);
  });

  it("names fields and values, but of environment only keys", () => {
    const { asked } = checkConfig({ memoryLimit: "1g", environment: { TOKEN: "secret-a", SAME: "x" } });
    const error = conflictError(
      "c",
      compareConfigs(asked, recordOf({ environment: { TOKEN: "secret-b", SAME: "x" } })),
    );
    expect(error.code).toBe("conflict");
    expect(error.message).toMatch(/memoryLimit: asked for 1073741824, it has 536870912/);
    expect(error.message).toContain("TOKEN");
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/secret|SAME/);
  });
});
