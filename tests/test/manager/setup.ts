import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { DockerBackend } from "@podkit/backend-docker";
import type { ExecExit, OpenRequest, PodkitEvent, Sandbox } from "@podkit/core";
import { ContainerManager, type ContainerManagerOptions } from "@podkit/manager";

const run = promisify(execFile);

export const PREFIX = "pt-manager";
export const BUSYBOX = "podkit-test/busybox:1";

/** A program's own manager: nothing is shared with another but the engine. */
export function program(options: Partial<ContainerManagerOptions> = {}) {
  const backend = new DockerBackend();
  const manager = new ContainerManager({ backend, prefix: PREFIX, defaultImage: BUSYBOX, ...options });
  const told: PodkitEvent[] = [];
  manager.events.on("*", (event) => told.push(event));
  return {
    backend,
    manager,
    told,
    types: () => told.map(({ type }) => type),
    open: (sessionId: string, config?: OpenRequest["config"], more: Partial<OpenRequest> = {}) =>
      manager.open({ userId: "bob", sessionId, ...(config === undefined ? {} : { config }), ...more }),
    async close() {
      await manager.close();
      await backend.close();
    },
  };
}

/** What a command gave. */
export interface Ran extends ExecExit {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function sh(
  sandbox: Sandbox,
  command: string | readonly string[],
  options: { user?: string } = {},
): Promise<Ran> {
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const argv = typeof command === "string" ? ["/bin/sh", "-c", command] : command;
  const handle = await sandbox.exec(
    { argv, stdin: false, maxOutputBytes: 1_000_000, ...options },
    { onStdout: (chunk) => void out.push(chunk), onStderr: (chunk) => void err.push(chunk) },
  );
  const exit = await handle.wait();
  return { ...exit, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

/** The docker command's own view. */
export async function docker(...args: readonly string[]): Promise<string> {
  return (await run("docker", [...args])).stdout.trim();
}

/** Containers of these tests, running or not. */
export async function ours(): Promise<string[]> {
  const text = await docker("ps", "-aq", "--no-trunc", "--filter", `label=dev.podkit.prefix=${PREFIX}`);
  return text === "" ? [] : text.split("\n");
}

/** Removes whatever these tests left. */
export async function cleanUp(): Promise<void> {
  for (const id of await ours()) await docker("rm", "-fv", id);
  const volumes = await docker("volume", "ls", "-q", "--filter", `label=dev.podkit.prefix=${PREFIX}`);
  for (const name of volumes === "" ? [] : volumes.split("\n"))
    await docker("volume", "rm", "-f", name).catch(() => "");
}
