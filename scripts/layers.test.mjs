// Shows the layer check failing on what it must not let through, and passing what it must.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { checkLayers } from "./lib/layers.mjs";

/** @typedef {Record<string, unknown>} Manifest */

/** @param {string} name @param {Manifest} [more] */
const manifest = (name, more = {}) => JSON.stringify({ name, version: "0.1.0", ...more });
const range = "^0.1.0";

const GOOD = {
  "packages/core/package.json": manifest("@podkit/core"),
  "packages/core/src/index.ts": `import { readFile } from "node:fs/promises"; export const x = readFile;`,
  "packages/agent/package.json": manifest("@podkit/agent", { dependencies: { "@podkit/core": range } }),
  "packages/agent/src/index.ts": `export { x } from "@podkit/core";`,
};

/** @param {Record<string, string>} files */
function problemsOf(files) {
  const root = mkdtempSync(join(tmpdir(), "podkit-layers-"));
  try {
    for (const [path, text] of Object.entries({ ...GOOD, ...files })) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return checkLayers(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** @param {Record<string, string>} files @param {RegExp} expected */
function fails(files, expected) {
  const problems = problemsOf(files);
  assert.ok(
    problems.some((problem) => expected.test(problem)),
    `expected ${expected} in:\n${problems.join("\n")}`,
  );
}

test("a tree that fits the table passes", () => assert.deepEqual(problemsOf({}), []));

test("an import that the manifest does not declare fails", () =>
  fails(
    { "packages/core/src/index.ts": `import "left-pad";` },
    /core\/src\/index\.ts:1 imports "left-pad".*not declare/,
  ));

test("a type import counts too", () =>
  fails({ "packages/agent/src/index.ts": `export type T = import("dockerode").T;` }, /imports "dockerode"/));

test("an arrow the wrong way fails in the manifest and in the source", () => {
  const files = {
    "packages/core/package.json": manifest("@podkit/core", { dependencies: { "@podkit/agent": range } }),
    "packages/core/src/index.ts": `import "@podkit/agent";`,
  };
  fails(files, /@podkit\/core depends on @podkit\/agent \(dependencies\): that arrow/);
  fails(files, /core\/src\/index\.ts:1 imports "@podkit\/agent": that arrow/);
});

test("a cycle fails, also by a dev-dependency", () =>
  fails(
    { "packages/core/package.json": manifest("@podkit/core", { devDependencies: { "@podkit/agent": range } }) },
    /cycle of dependencies: .*core.*agent/,
  ));

test("core may have no dependency from outside", () =>
  fails(
    { "packages/core/package.json": manifest("@podkit/core", { dependencies: { zod: "^4.0.0" } }) },
    /@podkit\/core depends on zod/,
  ));

test("a path into another package fails", () =>
  fails({ "packages/agent/src/index.ts": `import "../../core/src/index.js";` }, /outside its package/));

test("a deep import of what is not exported fails", () =>
  fails({ "packages/agent/src/index.ts": `import "@podkit/core/dist/x.js";` }, /does not export/));

test("a package that the table does not know fails", () =>
  fails({ "packages/extra/package.json": manifest("@podkit/extra") }, /packages\/extra is not in the table/));

test("nothing may depend on the tests", () =>
  fails(
    {
      "tests/package.json": manifest("@podkit/tests", { private: true }),
      "packages/agent/package.json": manifest("@podkit/agent", { devDependencies: { "@podkit/tests": range } }),
    },
    /nothing may depend/,
  ));

test("a range that is not this workspace's fails", () =>
  fails(
    { "packages/agent/package.json": manifest("@podkit/agent", { dependencies: { "@podkit/core": "workspace:^" } }) },
    /names @podkit\/core as "workspace:\^"/,
  ));

test("another engine's backend is an optional peer, loaded by import() only", () => {
  const peer = { peerDependencies: { "@podkit/backend-local": range } };
  const local = { "packages/backend-local/package.json": manifest("@podkit/backend-local") };
  const optional = manifest("podkit", {
    ...peer,
    peerDependenciesMeta: { "@podkit/backend-local": { optional: true } },
  });
  const lazily = `export const load = () => import("@podkit/backend-local");`;
  const facade = "packages/podkit/package.json";
  const source = "packages/podkit/src/index.ts";
  assert.deepEqual(problemsOf({ ...local, [facade]: optional, [source]: lazily }), []);
  fails({ ...local, [facade]: manifest("podkit", peer), [source]: lazily }, /only as an optional peer/);
  fails({ ...local, [facade]: optional, [source]: `import "@podkit/backend-local";` }, /statically/);
});
