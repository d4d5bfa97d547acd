import { readdirSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = dirname(fileURLToPath(import.meta.url));

/** Internal packages are their sources in tests, as in tsconfig.dev.json: nothing needs to be built first. */
const alias = readdirSync(resolve(root, "packages")).map((folder) => ({
  find: new RegExp(`^${folder === "podkit" ? "podkit" : `@podkit/${folder}`}$`),
  replacement: resolve(root, "packages", folder, "src/index.ts"),
}));

/** A layer alone: `test/*.test.ts`, no engine and no network. */
export function unit(configUrl: string) {
  const folder = dirname(fileURLToPath(configUrl));
  return defineConfig({
    root: folder,
    resolve: { alias },
    test: { name: basename(folder), include: ["test/**/*.test.ts"], environment: "node", passWithNoTests: true },
  });
}

/**
 * Real engines, chosen by PODKIT_TEST_BACKENDS: every `*.itest.ts` below the config's folder. Files run one after another: they
 * share one engine.
 */
export function integration(configUrl: string) {
  const folder = dirname(fileURLToPath(configUrl));
  return defineConfig({
    root: folder,
    resolve: { alias },
    test: {
      name: "engines",
      include: ["**/*.itest.ts"],
      exclude: ["**/node_modules/**", "**/dist/**"],
      environment: "node",
      pool: "forks",
      fileParallelism: false,
      testTimeout: 60_000,
      hookTimeout: 120_000,
    },
  });
}
