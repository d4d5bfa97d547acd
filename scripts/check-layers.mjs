#!/usr/bin/env node
// `pnpm check:layers`: fails when a manifest or a source file has an arrow that the table of layers does not.
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkLayers } from "./lib/layers.mjs";

const root = resolve(process.argv[2] ?? resolve(dirname(fileURLToPath(import.meta.url)), ".."));
const problems = checkLayers(root);
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "layers: every import fits the table" : `layers: ${problems.length} wrong`);
process.exitCode = problems.length === 0 ? 0 : 1;
