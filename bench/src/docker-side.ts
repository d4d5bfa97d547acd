import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type Docker from "dockerode";

const run = promisify(execFile);

/** One command the way dockerode does it: create, start, read to the end, ask for the code. */
export async function dockerodeExec(container: Docker.Container, argv: readonly string[]): Promise<number | null> {
  const exec = await container.exec({ Cmd: [...argv], AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({ hijack: true, stdin: false });
  stream.resume();
  await new Promise<void>((resolve, reject) => {
    stream.once("end", resolve);
    stream.once("error", reject);
  });
  return (await exec.inspect()).ExitCode;
}

/** One command the way the docker program does it. */
export async function dockerCommand(containerId: string, argv: readonly string[]): Promise<void> {
  await run("docker", ["exec", containerId, ...argv]);
}

/** Create, start, one exec to its end: what a session without podkit costs. */
export async function rawColdStart(
  docker: Docker,
  image: string,
  labels: Record<string, string>,
): Promise<Docker.Container> {
  const container = await docker.createContainer({ Image: image, Cmd: ["sleep", "1000"], Labels: labels });
  await container.start();
  await dockerodeExec(container, ["echo", "hello"]);
  return container;
}
