// One program of several: makes a container from the agent volume that others fill at the same time, and starts it.
import { DockerBackend } from "../../src/index.js";
import { scriptAgent, specOf } from "./engine.js";

const [prefix = "", version = "", name = ""] = process.argv.slice(2);
const backend = new DockerBackend({ agentVolumePrefix: prefix });
await backend.connect();
await backend.create(specOf(name), scriptAgent(version));
await backend.start(name);
const { state } = await backend.inspect(name);
await backend.close();
process.stdout.write(`${state}\n`);
