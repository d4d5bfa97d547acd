import { defineConfig, type Options } from "tsup";

/** What every package builds: ESM for Node 20, declarations, and no bundled dependency. */
export function library(options: Options = {}) {
  return defineConfig({
    entry: { index: "src/index.ts" },
    format: "esm",
    target: "node20",
    platform: "node",
    tsconfig: "../../tsconfig.base.json",
    dts: true,
    sourcemap: false,
    splitting: false,
    // Files are written over, so that a build never takes dist/bin (the agent) or a running program's modules away.
    clean: false,
    ...options,
  });
}

/** A program: as a library, without declarations. */
export function program(options: Options) {
  return library({ dts: false, ...options });
}
