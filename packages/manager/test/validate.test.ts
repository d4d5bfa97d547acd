import { PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { checkConfig, FIELD_NAMES } from "../src/validate/config.js";
import { canonicalImage } from "../src/validate/image.js";
import { checkRequest } from "../src/validate/request.js";

const bad: [string, unknown, RegExp][] = [
  ["memoryLimit", "1x", /memoryLimit "1x".*512m/],
  ["memoryLimit", "1k", /at least 6 MiB/],
  ["memoryLimit", -1, /memoryLimit/],
  ["cpuLimit", 0, /0\.01 cores/],
  ["cpuLimit", 0.009, /0\.01 cores/],
  ["cpuLimit", Number.NaN, /cores/],
  ["cpuLimit", "2", /cores/],
  ["pidsLimit", 10, /64/],
  ["pidsLimit", 1.5, /whole number/],
  ["image", "UPPER", /image reference/],
  ["image", "a b", /image reference/],
  ["image", "-rm", /image reference/],
  ["image", "x:y:z", /image reference/],
  ["image", "../x", /image reference/],
  ["image", "", /image reference/],
  ["pullPolicy", "sometimes", /"missing" or "always" or "never"/],
  ["platform", "windows", /linux\/amd64/],
  ["workingDir", "relative", /absolute path/],
  ["workingDir", "/a/../b", /absolute path/],
  ["workingDir", "/a\nb", /absolute path/],
  ["workingDir", "/", /mounted over/],
  ["workingDir", "/.podkit/bin", /mounted over/],
  ["volumes", [{ source: "../x", target: "/x" }], /volumes\[0\].source/],
  ["volumes", [{ source: "/a/../etc", target: "/x" }], /absolute path/],
  ["volumes", [{ source: "name", target: "x" }], /volumes\[0\].target/],
  ["volumes", [{ source: "name", target: "/x\0" }], /volumes\[0\].target/],
  ["volumes", [{ source: "name", target: "/x", readonly: true }], /did you mean readOnly/],
  [
    "volumes",
    [
      { source: "a", target: "/x" },
      { source: "b", target: "/x/" },
    ],
    /given twice/,
  ],
  ["ports", [0], /1 to 65535/],
  ["ports", [65_536], /1 to 65535/],
  ["ports", ["80"], /ports\[0\]/],
  ["ports", [{ container: 80, host: -1 }], /ports\[0\].host/],
  ["ports", [{ container: 80, address: "localhost" }], /IP address/],
  ["ports", [{ container: 80, protocol: "sctp" }], /"tcp" or "udp"/],
  ["ports", [80, { container: 81, host: 80 }], /given twice/],
  ["networks", ["a b"], /network's name/],
  ["network", "bridge", /"none" or "internal" or "host"/],
  ["environment", { "": "x" }, /at least one character/],
  ["environment", { "A=B": "x" }, /no = or NUL/],
  ["environment", { A: 1 }, /numbers in quotes/],
  ["environment", { A: "a\0b" }, /NUL/],
  ["environment", { PODKIT_X: "1" }, /kept for the agent/],
  ["user", "a b", /uid:gid/],
  ["user", "root;reboot", /uid:gid/],
  ["entrypoint", "sh", /a list/],
  ["entrypoint", [""], /must not be empty/],
  ["entrypoint", ["a\0"], /NUL/],
  ["command", [], /at least the program/],
  ["command", "", /must not be empty/],
  ["capabilities", { add: ["NET_ADMN"] }, /did you mean NET_ADMIN/],
  ["capabilities", { add: ["ALL"] }, /no privileged containers/],
  ["ulimits", [{ name: "nofiles", soft: 1, hard: 1 }], /"nofile"/],
  ["ulimits", [{ name: "nofile", soft: 2, hard: 1 }], /not be above hard/],
  ["ulimits", [{ name: "locks", soft: 1, hard: 1 }], /podkit needs this limit/],
  ["labels", { "dev.podkit.user": "x" }, /podkit's own/],
  ["dns", ["dns.example"], /IP address/],
  ["extraHosts", [{ host: "a b", address: "1.2.3.4" }], /host name/],
  ["gpus", 0, /number of GPUs/],
  ["containerLifetimeMs", 0, /milliseconds/],
  ["startupVerification", { timeout: 3 }, /did you mean timeoutMs/],
  ["tty", "yes", /true or false/],
  ["runtime", "a/b", /runtimes/],
  ["registryAuth", { username: "u" }, /password/],
  ["tmpfs", ["tmp"], /absolute path/],
];

describe("a configuration", () => {
  it.each(bad)("refuses %s: %j", (field, value, message) => {
    const attempt = (): unknown => checkConfig({ [field]: value });
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  it("names the nearest known field for an unknown one", () => {
    expect(() => checkConfig({ memorylimit: 1 })).toThrow(/did you mean memoryLimit/);
    expect(() => checkConfig({ container_lifetime: 1 })).toThrow(/did you mean containerLifetimeMs/);
    expect(() => checkConfig({ privileged: true })).toThrow(/known are/);
    expect(() => checkConfig([])).toThrow(/takes an object/);
  });

  it.each([
    [{ network: "none", networks: ["a"] }, /networks is given too/],
    [{ network: "none", ports: [80] }, /nothing can be published/],
    [{ network: "host", inheritParentNetworks: true }, /inheritParentNetworks/],
    [{ image: "a", inheritParentImage: true }, /image is given too/],
    [{ entrypoint: [], agentAsInit: false }, /no program/],
  ])("refuses %j together", (config, message) => {
    expect(() => checkConfig(config)).toThrow(message);
  });

  it("never shows a secret in a message", () => {
    const secret = "hunter2-very-secret";
    for (const config of [
      { environment: { A: [secret] } },
      { environment: { A: `${secret}\0` } },
      { registryAuth: { username: secret } },
    ]) {
      expect(() => checkConfig(config)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining(secret) }),
      );
    }
  });

  it("has one form: sizes in bytes, ports with all parts", () => {
    const { asked, registryAuth } = checkConfig({
      memoryLimit: "1g",
      ports: [80, { container: 53, host: 0, protocol: "udp" }],
      workingDir: "//srv//app/",
      capabilities: { add: ["cap_net_admin"] },
      user: undefined,
      registryAuth: { username: "u", password: "p" },
    });
    expect(asked).toEqual({
      memoryLimit: 1_073_741_824,
      ports: [
        { container: 80, host: 80, address: "127.0.0.1", protocol: "tcp" },
        { container: 53, host: 0, address: "127.0.0.1", protocol: "udp" },
      ],
      workingDir: "/srv/app",
      capabilities: { add: ["NET_ADMIN"], drop: [] },
    });
    expect(registryAuth).toEqual({ username: "u", password: "p" });
    expect(checkConfig(asked).asked).toEqual(asked);
  });

  it("takes __proto__ as a name like any other", () => {
    const config: unknown = JSON.parse('{"environment":{"__proto__":"x"}}');
    const { asked } = checkConfig(config);
    expect(JSON.stringify(asked)).toBe('{"environment":{"__proto__":"x"}}');
  });

  it("gives images one name each", () => {
    expect(canonicalImage("python")).toBe("docker.io/library/python:latest");
    expect(canonicalImage("docker.io/python:3")).toBe("docker.io/library/python:3");
    expect(canonicalImage("localhost:5000/a/b")).toBe("localhost:5000/a/b:latest");
    expect(canonicalImage(`a@sha256:${"0".repeat(64)}`)).toBe(`docker.io/library/a@sha256:${"0".repeat(64)}`);
  });
});

describe("fuzz", () => {
  it("gives a configuration or invalid_argument, whatever comes", () => {
    const random = generator(20_261_125);
    let accepted = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const config = randomConfig(random);
      try {
        checkConfig(config);
        checkRequest({ userId: randomValue(random, 1), sessionId: randomValue(random, 1), config });
        accepted += 1;
      } catch (error) {
        if (!PodkitError.is(error, "invalid_argument")) throw error;
      }
    }
    expect(accepted).toBeLessThan(20_000);
  });

  it("row 31: has no field that nobody reads", () => {
    const id = { userId: "bob", sessionId: "1" };
    expect(() => checkRequest({ ...id, image: "x" })).toThrow(/request\.image/);
    expect(() => checkRequest({ ...id, onConfigMissmatch: "reuse" })).toThrow(/did you mean onConfigMismatch/);
    expect(() => checkRequest(null)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  it("takes what throws when it is read as invalid_argument", () => {
    const hostile = {
      get image(): string {
        throw new Error("no");
      },
    };
    expect(() => checkConfig(hostile)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

type Random = () => number;

function generator(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 1 | state) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const PIECES: readonly unknown[] = [
  "",
  "a",
  "/",
  "/a",
  "/a/../b",
  "..",
  "\0",
  "\n",
  "1g",
  "1x",
  "512m",
  "x".repeat(300),
  "dev.podkit.x",
  "__proto__",
  "constructor",
  "none",
  0,
  1,
  -1,
  80,
  65_535,
  1e9,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 60,
  true,
  false,
  null,
  undefined,
  Symbol("s"),
  10n,
  Object.create(null),
  new Map(),
  new Date(0),
  () => 1,
  [],
  [[]],
  {},
  "linux/amd64",
  "python:3",
  "sha256:".padEnd(71, "0"),
  "ALL",
];

function randomValue(random: Random, depth: number): unknown {
  const pick = random();
  if (depth <= 0 || pick < 0.6) return PIECES[Math.floor(random() * PIECES.length)];
  if (pick < 0.8) return Array.from({ length: Math.floor(random() * 4) }, () => randomValue(random, depth - 1));
  const names = [
    "source",
    "target",
    "container",
    "host",
    "address",
    "protocol",
    "add",
    "drop",
    "name",
    "soft",
    "hard",
    "A",
    "size",
    "x=y",
  ];
  return Object.fromEntries(
    Array.from({ length: Math.floor(random() * 4) }, () => [
      names[Math.floor(random() * names.length)],
      randomValue(random, depth - 1),
    ]),
  );
}

function randomConfig(random: Random): unknown {
  if (random() < 0.02) return randomValue(random, 2);
  const fields = [...FIELD_NAMES, "registryAuth", "nonsense"];
  return Object.fromEntries(
    Array.from({ length: 1 + Math.floor(random() * 3) }, () => [
      fields[Math.floor(random() * fields.length)],
      randomValue(random, 3),
    ]),
  );
}
