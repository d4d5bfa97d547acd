import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type AgentSource, PodkitError, quote } from "@podkit/core";
import { Fields } from "./fields.js";
import { AGENT_VERSION } from "./version.js";

/** One binary, as the manifest names it. */
interface Entry {
  readonly file: string;
  readonly sha256: string;
}

/**
 * The agent's binaries that this package brings; nothing is read before it is asked for.
 * @param options `binDir`: the folder that holds `manifest.json`. Default: `dist/bin` of this package.
 */
export function agentSource(options: { readonly binDir?: string } = {}): AgentSource {
  // src/ and dist/ both lie right below the package's folder.
  const binDir = resolve(options.binDir ?? fileURLToPath(new URL("../dist/bin", import.meta.url)));
  const binaries = new Map<string, Promise<Uint8Array>>();
  let manifest: Promise<ReadonlyMap<string, Entry>> | undefined;

  const entry = async (platform: string): Promise<Entry> => {
    manifest ??= readManifest(binDir).catch((error: unknown) => {
      manifest = undefined;
      throw error;
    });
    const known = await manifest;
    const found = known.get(platform);
    if (found !== undefined) return found;
    throw new PodkitError(
      "unsupported",
      `There is no agent for ${quote(platform)}: podkit brings it for ${[...known.keys()].join(" and ")}. Choose an image and an engine of one of these.`,
      { details: { platform, platforms: [...known.keys()] } },
    );
  };
  return {
    version: AGENT_VERSION,
    sha256: async (platform) => (await entry(platform)).sha256,
    async binary(platform) {
      const { file, sha256 } = await entry(platform);
      const reading = binaries.get(platform) ?? readBinary(join(binDir, file), sha256);
      binaries.set(platform, reading);
      reading.catch(() => binaries.delete(platform));
      return reading;
    },
  };
}

async function readManifest(binDir: string): Promise<ReadonlyMap<string, Entry>> {
  const path = join(binDir, "manifest.json");
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw broken(`${path} cannot be read`, cause);
  });
  try {
    const value: unknown = JSON.parse(text);
    const fields = new Fields("manifest", value);
    if (fields.string("version") !== AGENT_VERSION) throw new Error(`it is of version ${fields.string("version")}`);
    const binaries = fields.get("binaries");
    if (typeof binaries !== "object" || binaries === null) throw new Error("it names no binaries");
    return new Map(Object.entries(binaries).map(([platform, item]) => [platform, readEntry(item)]));
  } catch (cause) {
    throw broken(`${path} is no manifest of agent ${AGENT_VERSION}`, cause);
  }
}

function readEntry(value: unknown): Entry {
  const fields = new Fields("binary", value);
  const file = fields.string("file");
  const sha256 = fields.string("sha256", 64);
  if (file.startsWith("/") || file.split("/").includes("..")) throw new Error("a file outside its folder");
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error("no SHA-256");
  return { file, sha256 };
}

async function readBinary(path: string, sha256: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw broken(`${path} cannot be read`, cause);
  });
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual !== sha256) throw broken(`${path} has SHA-256 ${actual}, and the manifest says ${sha256}`);
  return bytes;
}

function broken(what: string, cause?: unknown): PodkitError {
  return new PodkitError(
    "internal",
    `The agent's binary cannot be used: ${what}. Install @podkit/agent again; in a checkout run scripts/build-agent.sh.`,
    { cause },
  );
}
