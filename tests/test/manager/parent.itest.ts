import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, docker, ours, program } from "./setup.js";

const NETWORK = "pt-manager-parent";
const PARENT = "pt-manager-parent-program";
const IMAGE = "podkit-test/base:1";
const root = fileURLToPath(new URL("../../..", import.meta.url));

beforeAll(async () => {
  await cleanUp();
  await docker("rm", "-f", PARENT).catch(() => "");
  await docker("network", "create", NETWORK).catch(() => "");
});
afterEach(cleanUp);
afterAll(async () => {
  await docker("rm", "-f", PARENT).catch(() => "");
  await docker("network", "rm", NETWORK);
});

/** Runs one of `tests/programs` in a container that has this machine's node, this repository and the daemon's socket. */
function inContainer(name: string): Promise<string> {
  const libraries = `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
  return docker(
    ...["run", "--name", PARENT, "--network", NETWORK, "--workdir", join(root, "tests")],
    ...["--volume", "/var/run/docker.sock:/var/run/docker.sock", "--volume", `${root}:${root}:ro`],
    ...["--volume", `${dirname(process.execPath)}:/opt/node:ro`, "--volume", `${libraries}:/opt/libraries:ro`],
    ...["--env", "LD_LIBRARY_PATH=/opt/libraries", "--env", "TSX_TSCONFIG_PATH=tsconfig.json"],
    ...[IMAGE, "/opt/node/node", "--import", "tsx", `programs/${name}.ts`],
  );
}

describe("a program that runs in a container itself", () => {
  it("row 19: hands its image and its networks on", async () => {
    const said = await inContainer("manager-inherit");
    expect(JSON.parse(said)).toEqual({ networks: [NETWORK], image: IMAGE });
  });

  it("row 19: is told so where it does not", async () => {
    const { open, close } = program();
    await expect(open("orphan", { inheritParentNetworks: true })).rejects.toMatchObject({ code: "invalid_state" });
    expect(await ours()).toEqual([]);
    await close();
  });
});
