export { IMAGE, scriptAgent, specOf } from "./spec.js";

import { PodkitError } from "@podkit/core";
import Docker from "dockerode";

/** Another way to look at the engine than the one under test. */
export const docker = new Docker();

/** Removes every container, volume and network whose name begins with the prefix. */
export async function clear(prefix: string): Promise<void> {
  const containers = await docker.listContainers({ all: true, filters: { name: [prefix] } });
  for (const { Id } of containers) await docker.getContainer(Id).remove({ force: true, v: true }).catch(ignoreGone);
  const { Volumes } = await docker.listVolumes({ filters: { name: [prefix] } });
  for (const { Name } of Volumes) await docker.getVolume(Name).remove().catch(ignoreGone);
  const networks = await docker.listNetworks({ filters: { name: [prefix] } });
  for (const { Id } of networks) await docker.getNetwork(Id).remove().catch(ignoreGone);
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof Error && /HTTP code (404|409)/.test(error.message))) throw error;
}

/** Names of containers that begin with the prefix, running or not. */
export async function names(prefix: string): Promise<string[]> {
  const found = await docker.listContainers({ all: true, filters: { name: [prefix] } });
  return found.flatMap(({ Names }) => Names.map((name) => name.slice(1)));
}

/** The error that a call rejects with. */
export async function errorOf(call: Promise<unknown>): Promise<PodkitError> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof PodkitError) return outcome;
  throw new Error(`expected a PodkitError, got ${String(outcome)}`);
}

/** Waits until `look` gives true. */
export async function until(what: string, look: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
