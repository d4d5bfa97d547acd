import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import type { ContainerConfig } from "@podkit/core";
import { countContainers, image, refused } from "../../conformance/tools.js";
import type { SessionCase } from "../../conformance/types.js";
import { open } from "./tools.js";

const BAD_IDS = [
  "",
  "..",
  "../x",
  "/etc",
  "a/b",
  "a\0b",
  "a\nb",
  "a b",
  "$(id)",
  ".hidden",
  "-x",
  "ü",
  "x".repeat(129),
];

/** Bad configurations, and what the message must name. */
const BAD_CONFIGS: readonly (readonly [ContainerConfig, RegExp])[] = [
  [{ memoryLimit: "1x" }, /memoryLimit.*512m/s],
  [{ memoryLimit: -1 }, /memoryLimit/],
  [{ memoryLimit: "1.5g" }, /memoryLimit/],
  [{ cpuLimit: 0 }, /cpuLimit/],
  [{ cpuLimit: Number.NaN }, /cpuLimit/],
  [{ pidsLimit: 3 }, /pidsLimit.*64/s],
  [{ shmSize: "many" }, /shmSize/],
  [{ ports: [0] }, /port/i],
  [{ ports: [70_000] }, /port.*65535/is],
  [{ ports: [{ container: 80, host: -1 }] }, /port/i],
  [{ ports: [{ container: 80, address: "not an address" }] }, /address/i],
  [{ image: "Not An Image!" }, /image/i],
  [{ image: "" }, /image/i],
  [{ image: "-v/:/host" }, /image/i],
  [{ environment: { "A=B": "x" } }, /environment/],
  [{ environment: { "": "x" } }, /environment/],
  [{ environment: { A: "x\0y" } }, /environment/],
  [{ workingDir: "relative" }, /workingDir/],
  [{ workingDir: "/a\0b" }, /workingDir/],
  [{ volumes: [{ source: "vol", target: "relative" }] }, /target|volumes/],
  [{ volumes: [{ source: "../up", target: "/x" }] }, /source|volumes/],
  [{ volumes: [{ source: "/tmp/../etc", target: "/x" }] }, /source|volumes/],
  [{ volumes: [{ source: "vol", target: "/x/../.podkit" }] }, /target|volumes/],
  [{ volumes: [{ source: "vol", target: "/.podkit/bin" }] }, /target|volumes|podkit/],
  [{ networks: ["net"], network: "none" }, /network/],
  [{ networks: ["a b"] }, /network/],
  [{ labels: { "dev.podkit.prefix": "x" } }, /dev\.podkit\./],
  [{ containerLifetimeMs: -1 }, /containerLifetimeMs/],
  [{ maxLifetimeMs: 0 }, /maxLifetimeMs/],
  [{ entrypoint: ["a\0b"] }, /entrypoint/],
  [{ user: "no spaces allowed" }, /user/],
  [{ capabilities: { add: ["NOT A CAP"] } }, /capabilit/i],
  [{ tmpfs: ["relative"] }, /tmpfs/],
  [{ dns: ["not-an-address"] }, /dns/],
  [{ platform: "linux" }, /platform/],
];

/** The users that have a workspace. Not what is below: containers plant links there, and node's own recursion follows them. */
async function usersOf(folder: string | null): Promise<string[]> {
  return folder === null ? [] : (await readdir(folder)).sort();
}

/** What is refused, before anything is made. */
export const inputCases: readonly SessionCase[] = [
  {
    id: "bad.ids",
    rows: [31],
    title: "row 31: ids with .., paths, NUL, newlines or shell characters are refused before anything is made",
    level: "session",
    needs: [],
    async run(context) {
      const config = { image: image(context, "busybox") };
      const before = await usersOf(context.workspace);
      for (const bad of BAD_IDS) {
        const good = context.newId();
        const user = await refused(() => context.harness.open({ ...good, userId: bad, config }), "invalid_argument");
        assert.match(user.message, /userId.*1 to 128 letters/s);
        const session = await refused(
          () => context.harness.open({ ...good, sessionId: bad, config }),
          "invalid_argument",
        );
        assert.match(session.message, /sessionId/);
      }
      assert.equal(await countContainers(context), 0);
      assert.deepEqual(await usersOf(context.workspace), before);
    },
  },
  {
    id: "bad.config",
    rows: [31],
    title: "row 31: a bad configuration is refused before anything is made, with a message that names the field",
    level: "session",
    needs: [],
    async run(context) {
      const wrong: string[] = [];
      for (const [config, message] of BAD_CONFIGS) {
        const shown = JSON.stringify(config);
        try {
          const error = await refused(() => open(context, config), "invalid_argument");
          if (!message.test(error.message)) wrong.push(`${shown}: its message is ${error.message}`);
        } catch (error) {
          wrong.push(`${shown}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      assert.deepEqual(wrong, []);
      assert.equal(await countContainers(context), 0);
    },
  },
  {
    id: "bad.command",
    rows: [31],
    title: "row 31: a bad command is refused, and nothing runs",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      const bad = [
        () => session.executeCommand([]),
        () => session.executeCommand(""),
        () => session.executeCommand(["a\0b"]),
        () => session.executeCommand(["true"], { env: { "A=B": "x" } }),
        () => session.executeCommand(["true"], { env: { A: "\0" } }),
        () => session.executeCommand(["true"], { cwd: "a\0b" }),
        () => session.executeCommand(["true"], { timeoutMs: -1 }),
        () => session.executeCommand(["true"], { timeoutMs: Number.NaN }),
        () => session.executeCommand(["true"], { maxOutputBytes: -5 }),
        () => session.spawn([]),
        () => session.spawn(["true"], { pty: { columns: 0, rows: 5 } }),
        () => session.executeCommand(["true"], { user: "a\0b" }),
      ];
      for (const call of bad) await refused(call, "invalid_argument");
      await refused(
        () => session.executeCommand(["true"], { cwd: "/no/such/folder" }),
        "not_found",
        "invalid_argument",
      );
      await refused(
        () => session.executeCommand(["true"], { user: "no-such-user" }),
        "not_found",
        "invalid_argument",
        "unsupported",
      );
    },
  },
  {
    id: "bad.paths",
    rows: [31],
    title: "row 31: bad paths and ports are refused",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context);
      for (const path of ["", "a\0b", "x".repeat(5000)]) {
        await refused(() => session.writeFile(path, "x"), "invalid_argument");
        await refused(() => session.files.read(path), "invalid_argument");
        await refused(() => session.files.remove(path), "invalid_argument");
      }
      await refused(() => session.files.read("x", { offset: -1 }), "invalid_argument");
      for (const port of [0, 70_000, 1.5]) {
        await refused(() => session.ports.url(port), "invalid_argument");
        await refused(() => session.ports.waitFor(port), "invalid_argument");
      }
    },
  },
  {
    id: "bad.image-missing",
    rows: [30],
    title: "row 30: an image that does not exist is an error that names it, and nothing is left",
    level: "session",
    needs: ["images"],
    async run(context) {
      const missing = "podkit-test/no-such-image:1";
      const error = await refused(() => open(context, { image: missing, pullPolicy: "never" }), "not_found");
      assert.ok(error.message.includes(missing), error.message);
      assert.equal(await countContainers(context), 0);
    },
  },
];
