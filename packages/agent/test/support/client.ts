import type { ExecExit, ExecHandle, ExecSinks, ExecSpec } from "@podkit/core";
import { PodkitError } from "@podkit/core";
import { afterEach } from "vitest";
import { AgentClient, type AgentClientOptions } from "../../src/index.js";
import { FakeAgent, type FakeBehaviour } from "./fake-agent.js";

export const CAPTURE: ExecSpec = { argv: ["job"], stdin: false, maxOutputBytes: 1024 };
export const STREAM: ExecSpec = { argv: ["job"], stdin: false, maxOutputBytes: null };

const clients: AgentClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

/** A client of a fake; closed after the test. */
export function clientOf(
  behaviour: FakeBehaviour = {},
  options: Partial<AgentClientOptions> = {},
): { agent: FakeAgent; client: AgentClient } {
  const agent = new FakeAgent(behaviour);
  const client = new AgentClient({ link: agent, reconnectGraceMs: 400, ...options });
  clients.push(client);
  return { agent, client };
}

/** Sinks that collect. */
export class Collected implements ExecSinks {
  readonly stdout: Buffer[] = [];
  readonly stderr: Buffer[] = [];
  readonly onStdout = (chunk: Uint8Array): void => void this.stdout.push(Buffer.from(chunk));
  readonly onStderr = (chunk: Uint8Array): void => void this.stderr.push(Buffer.from(chunk));

  get text(): string {
    return Buffer.concat(this.stdout).toString("latin1");
  }

  get errorText(): string {
    return Buffer.concat(this.stderr).toString("latin1");
  }
}

/** Runs a command to its end. */
export async function run(
  client: AgentClient,
  spec: ExecSpec = CAPTURE,
  sinks: ExecSinks = new Collected(),
): Promise<{ handle: ExecHandle; exit: ExecExit }> {
  const handle = await client.exec(spec, sinks);
  return { handle, exit: await handle.wait() };
}

/** The error of a promise that must reject with a podkit error. */
export async function failure(promise: Promise<unknown>): Promise<PodkitError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("error" in outcome && PodkitError.is(outcome.error)) return outcome.error;
  throw new Error(`expected a podkit error, got ${JSON.stringify(outcome)}`);
}

/** Looks again and again until `probe` is true. */
export async function until(what: string, probe: () => boolean, ms = 3_000): Promise<void> {
  const end = Date.now() + ms;
  while (!probe()) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
