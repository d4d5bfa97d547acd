// Checks who may import whom, against manifests and sources. See CONTRIBUTING.md, "Layers".
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { importsOf } from "./imports.mjs";

/** The table: a package's folder, and the folders of the internal packages that it may import. */
const ALLOWED = {
  "packages/core": [],
  "packages/agent": ["core"],
  "packages/testing": ["core", "agent"],
  "packages/processes": ["core"],
  "packages/monitor": ["core"],
  "packages/backend-docker": ["core"],
  "packages/backend-podman": ["core"],
  "packages/backend-k8s": ["core"],
  "packages/backend-local": ["core"],
  "packages/manager": ["core", "agent"],
  "packages/session": ["core", "processes"],
  "packages/podkit": ["core", "manager", "session", "processes", "monitor", "backend-docker"],
  "apps/cli": ["podkit"],
};

/** Internal packages that a package may name only as an optional peer and load only by `import()`. */
const LAZY = { "packages/podkit": ["backend-podman", "backend-k8s", "backend-local"] };

/** Packages from outside that a package may use, where the table says so. The others may use what they declare. */
const OUTSIDE = { "packages/core": [], "packages/agent": [] };

/** Nothing may depend on these, and they may import everything that they declare. */
const FREE = ["tests", "bench"];

const folderName = (folder) => folder.split("/").pop();
const packageName = (specifier) =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

/** @param {string} root @returns {string[]} what is wrong, one sentence each */
export function checkLayers(root) {
  const packages = readPackages(root);
  const byName = new Map(packages.map((p) => [p.name, p]));
  const shared = existsSync(join(root, "package.json")) ? dependencyNames(readJson(join(root, "package.json"))) : [];
  return [
    ...packages.flatMap((p) => checkManifest(p, byName)),
    ...packages.flatMap((p) => checkSources(p, byName, shared)),
    ...checkCycles(packages, byName),
  ];
}

function readPackages(root) {
  const folders = ["packages", "apps", "examples"].flatMap((group) =>
    existsSync(join(root, group)) ? readdirSync(join(root, group)).map((name) => `${group}/${name}`) : [],
  );
  return [...folders, ...FREE]
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .map((folder) => {
      const manifest = readJson(join(root, folder, "package.json"));
      const free = FREE.includes(folder) || folder.startsWith("examples/");
      return { folder, path: join(root, folder), manifest, name: manifest.name, free };
    });
}

function checkManifest(pkg, byName) {
  const problems = [];
  const { manifest, folder } = pkg;
  if (!pkg.free && !(folder in ALLOWED))
    problems.push(`${folder} is not in the table of layers (scripts/lib/layers.mjs).`);
  for (const field of ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"]) {
    for (const [name, range] of Object.entries(manifest[field] ?? {})) {
      const target = byName.get(name);
      const outside = OUTSIDE[folder];
      if (!target) {
        if (field !== "devDependencies" && outside && !outside.includes(name))
          problems.push(`${pkg.name} depends on ${name}; it may have no such dependency.`);
        continue;
      }
      if (target.free) problems.push(`${pkg.name} depends on ${name}, on which nothing may depend.`);
      if (!manifest.private && range !== `^${target.manifest.version}`)
        problems.push(`${pkg.name} names ${name} as "${range}"; "^${target.manifest.version}" is this workspace's.`);
      // A dev-dependency may go anywhere as long as it closes no cycle.
      if (field === "devDependencies" || pkg.free || mayImport(folder, target.folder)) continue;
      const lazy = isLazy(folder, target.folder);
      if (lazy && field === "peerDependencies" && manifest.peerDependenciesMeta?.[name]?.optional === true) continue;
      problems.push(
        lazy
          ? `${pkg.name} may name ${name} only as an optional peer (peerDependencies, peerDependenciesMeta.optional).`
          : `${pkg.name} depends on ${name} (${field}): that arrow is not in the table.`,
      );
    }
  }
  return problems;
}

const mayImport = (from, to) => (ALLOWED[from] ?? []).includes(folderName(to));
const isLazy = (from, to) => (LAZY[from] ?? []).includes(folderName(to));

function checkSources(pkg, byName, shared) {
  const problems = [];
  const declared = dependencyNames({ ...pkg.manifest, devDependencies: {} });
  const forTests = [...dependencyNames(pkg.manifest), ...shared];
  for (const file of sourceFiles(pkg.path)) {
    const where = `${pkg.folder}/${relative(pkg.path, file).split(sep).join("/")}`;
    const shipped = !pkg.free && relative(pkg.path, file).startsWith(`src${sep}`);
    for (const { specifier, kind, line } of importsOf(file, readFileSync(file, "utf8"))) {
      const problem = checkImport({ pkg, file, specifier, kind, shipped, byName, declared, forTests });
      if (problem) problems.push(`${where}:${line} ${problem}`);
    }
  }
  return problems;
}

function checkImport({ pkg, file, specifier, kind, shipped, byName, declared, forTests }) {
  if (specifier.startsWith(".") || specifier.startsWith("/")) {
    const outside = relative(pkg.path, resolve(dirname(file), specifier)).startsWith("..");
    return outside && shipped ? `imports "${specifier}", which lies outside its package.` : undefined;
  }
  if (isBuiltin(specifier)) return undefined;
  const name = packageName(specifier);
  if (name === pkg.name) return `imports its own package by name ("${specifier}").`;
  const target = byName.get(name);
  if (!shipped)
    return forTests.includes(name) ? undefined : `imports "${name}", which its package.json does not declare.`;
  if (!declared.includes(name)) return `imports "${name}", which its package.json does not declare.`;
  if (!target) return undefined;
  if (specifier !== name && !(`.${specifier.slice(name.length)}` in (target.manifest.exports ?? {})))
    return `imports "${specifier}", which ${name} does not export.`;
  if (mayImport(pkg.folder, target.folder)) return undefined;
  if (isLazy(pkg.folder, target.folder))
    return kind === "dynamic" ? undefined : `imports "${name}" statically; only \`import()\` is allowed there.`;
  return `imports "${name}": that arrow is not in the table.`;
}

function checkCycles(packages, byName) {
  const problems = [];
  const state = new Map();
  const visit = (pkg, trail) => {
    if (state.get(pkg.name) === "done") return;
    if (state.get(pkg.name) === "open") {
      const names = [...trail.slice(trail.indexOf(pkg.name)), pkg.name];
      problems.push(`a cycle of dependencies: ${names.join(" -> ")}.`);
      return;
    }
    state.set(pkg.name, "open");
    for (const name of dependencyNames(pkg.manifest)) {
      const next = byName.get(name);
      if (next) visit(next, [...trail, pkg.name]);
    }
    state.set(pkg.name, "done");
  };
  for (const pkg of packages) visit(pkg, []);
  return problems;
}

function dependencyNames(manifest) {
  const fields = ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"];
  return fields.flatMap((field) => Object.keys(manifest[field] ?? {}));
}

function sourceFiles(folder) {
  const found = [];
  const walk = (path) => {
    for (const name of readdirSync(path)) {
      if (["node_modules", "dist", "go", ".turbo", "coverage"].includes(name)) continue;
      const child = join(path, name);
      if (statSync(child).isDirectory()) walk(child);
      else if (/\.(ts|mts|mjs|js)$/.test(name) && !/^(tsup|vitest)[\w.]*\.config\.ts$/.test(name)) found.push(child);
    }
  };
  walk(folder);
  return found.sort();
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
