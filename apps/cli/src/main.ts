#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { cli } from "./cli.js";

const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const version =
  typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown";

// A reader that went away (`podkit ls | head -1`) is no crash.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error) => {
    if (!("code" in error) || error.code !== "EPIPE") throw error;
  });
}
process.exitCode = await cli(process.argv.slice(2), process, version);
