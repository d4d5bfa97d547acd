import assert from "node:assert/strict";
import { AgentClient, type AgentInit, connectArgv, initArgv } from "@podkit/agent";
import { type ContainerInfo, type ContainerSpec, type ExecExit, type ExecSpec, PodkitError } from "@podkit/core";
import { countContainers, refused } from "../../conformance/tools.js";
import type { BackendContext, CaseContext } from "../../conformance/types.js";

/** A start of the agent that rests for ever. */
export function agentInit(overrides: Partial<AgentInit> = {}): AgentInit {
  return {
    lifetimeMs: null,
    maxLifetimeMs: null,
    user: null,
    workingDir: "/workspace",
    program: null,
    programStopSignal: null,
    ...overrides,
  };
}

/** The smallest container: the agent in `busybox`. */
export function specOf(context: BackendContext, overrides: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    name: context.newName(),
    image: context.images.busybox,
    argv: initArgv(agentInit()),
    environment: {},
    ...(context.backend.capabilities.anyUser ? { user: "0:0" } : {}),
    mounts: [],
    ports: [],
    networks: [],
    limits: {},
    ulimits: [],
    dns: [],
    extraHosts: [],
    readOnlyRootfs: false,
    capabilities: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "NET_BIND_SERVICE"],
    noNewPrivileges: context.backend.capabilities.noNewPrivileges,
    tty: false,
    stdinOpen: false,
    autoRemove: false,
    ...overrides,
    labels: { "dev.podkit.prefix": context.prefix, ...overrides.labels },
  };
}

/** Makes a container and does not start it. */
export function create(context: BackendContext, overrides: Partial<ContainerSpec> = {}): Promise<ContainerInfo> {
  return context.backend.create(specOf(context, overrides), context.agent);
}

/** Makes a container and starts it. */
export async function start(context: BackendContext, overrides: Partial<ContainerSpec> = {}): Promise<ContainerInfo> {
  const { id } = await create(context, overrides);
  await context.backend.start(id);
  return context.backend.inspect(id);
}

/** Speaks to the agent of a running container, and lets go of it afterwards. */
export async function withAgent<T>(
  context: CaseContext,
  id: string,
  work: (agent: AgentClient) => Promise<T>,
): Promise<T> {
  const { backend } = context;
  const link = {
    open: ({ signal }: { readonly signal: AbortSignal }) => backend.openStream(id, connectArgv(), { signal }),
    isGone: async () => {
      try {
        return (await backend.inspect(id)).state !== "running";
      } catch (error) {
        return PodkitError.is(error, "not_found");
      }
    },
  };
  const agent = new AgentClient({ link });
  try {
    await agent.connect({ timeoutMs: 30_000 });
    return await work(agent);
  } finally {
    await agent.close();
  }
}

/** What a command gave. */
export interface Ran extends ExecExit {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command through the agent. */
export async function run(agent: AgentClient, argv: readonly string[], spec: Partial<ExecSpec> = {}): Promise<Ran> {
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const handle = await agent.exec(
    { argv, stdin: false, maxOutputBytes: 1 << 20, ...spec },
    { onStdout: (chunk) => void out.push(chunk), onStderr: (chunk) => void err.push(chunk) },
  );
  const exit = await handle.wait();
  return { ...exit, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

/** Shows that a spec is refused with `unsupported`, and that nothing was made for it. */
export function refusesSpec(overrides: Partial<ContainerSpec>): (context: BackendContext) => Promise<void> {
  return async (context) => {
    const before = await countContainers(context);
    await refused(() => create(context, overrides), "unsupported");
    assert.equal(await countContainers(context), before, "a container was made although it was refused");
  };
}

/** What a command in a container wrote to stdout. */
export function output(context: BackendContext, id: string, argv: readonly string[]): Promise<string> {
  return withAgent(context, id, async (agent) => (await run(agent, argv)).stdout);
}
