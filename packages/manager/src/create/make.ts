import { type ContainerInfo, PodkitError } from "@podkit/core";
import { type Core, facts, sleep } from "../core.js";
import { effective } from "../labels/record.js";
import { unsupported } from "../spec/unsupported.js";
import { discard } from "./cleanup.js";
import { type Plan, planContainer } from "./plan.js";
import { asPodkitError, lookUp } from "./reach.js";
import { type Started, verifyStart } from "./startup.js";
import { AGAIN, type Attempt, type Wanted } from "./types.js";

/** Making or starting one container on a busy engine, in ms; counted from its turn. */
const WORK_TIMEOUT_MS = 120_000;

/**
 * Makes the container of an identity where there was none a moment ago, starts it and sees that it is well. What a failure leaves is removed.
 * @param avoid Host ports that turned out to be taken; what turns out now is added.
 */
export async function makeContainer(
  core: Core,
  wanted: Wanted,
  avoid: Set<number>,
  signal: AbortSignal,
): Promise<Attempt> {
  const plan = await planContainer(core, wanted, avoid, signal);
  const created = await create(core, wanted, plan, signal);
  if (created === AGAIN) return AGAIN;
  core.events.emit({ type: "container.created", ...facts(core, wanted, created.id) });
  const container: Started = {
    identity: wanted.identity,
    name: wanted.name,
    containerId: created.id,
    record: plan.record,
  };
  try {
    requireLimits(core, plan, created);
    return await bringUp(core, container, signal);
  } catch (error) {
    return await giveUp(core, container, avoid, error);
  }
}

/** Starts a container and sees that it is well. */
export async function bringUp(core: Core, container: Started, signal: AbortSignal): Promise<Attempt> {
  const { containerId, name } = container;
  await core.turns.take(`Starting container ${name}`, { signal }, () =>
    core.backend.start(containerId, { signal, timeoutMs: WORK_TIMEOUT_MS, agent: core.agent }),
  );
  const lease = await verifyStart(core, container, signal);
  core.events.emit({ type: "container.started", ...facts(core, container, containerId) });
  return { containerId, record: container.record, lease };
}

/** Ends a creation that failed: removes what it made, and says whether to begin again. */
export async function giveUp(
  core: Core,
  container: Started,
  avoid: Set<number>,
  error: unknown,
): Promise<typeof AGAIN> {
  // Somebody else, who failed or cleaned up, removed it under our hands: nothing of ours is left.
  if (PodkitError.is(error, "not_found") && (await isGone(core, container.containerId))) return AGAIN;
  const port = drawnPortTaken(container, error);
  await discard(core, container, error);
  if (port === undefined || avoid.size >= MAX_REDRAWS) {
    core.events.emit({
      type: "container.startFailed",
      ...facts(core, container, container.containerId),
      error: asPodkitError(error),
    });
    throw error;
  }
  avoid.add(port);
  return AGAIN;
}

/** How long a container whose name is taken may stay unseen, in ms; then its making is taken for failed, and tried here. */
const APPEARS_WITHIN_MS = 3_000;
const APPEARS_POLL_MS = 50;

/** How many drawn ports may turn out to be taken. */
const MAX_REDRAWS = 5;

async function create(
  core: Core,
  wanted: Wanted,
  plan: Plan,
  signal: AbortSignal,
): Promise<ContainerInfo | typeof AGAIN> {
  try {
    return await core.turns.take(`Making container ${wanted.name}`, { signal }, () =>
      core.backend.create(plan.spec, core.agent, { signal, timeoutMs: WORK_TIMEOUT_MS }),
    );
  } catch (error) {
    // Another program was first: its container is adopted.
    if (PodkitError.is(error, "already_exists")) return await appears(core, wanted.name, signal);
    if (PodkitError.is(error, "not_found") && error.details["reason"] === "removing") return AGAIN;
    throw error;
  }
}

/** An engine takes a name before it shows the container, and shows none any more before it frees the name. */
async function appears(core: Core, name: string, signal: AbortSignal): Promise<typeof AGAIN> {
  const until = core.clock.now() + APPEARS_WITHIN_MS;
  while ((await lookUp(core, name, { signal })) === null && core.clock.now() < until) {
    await sleep(core.clock, APPEARS_POLL_MS, { signal });
  }
  return AGAIN;
}

/** The engine must keep what was asked for; one that ignores a limit quietly is found out here. */
function requireLimits(core: Core, plan: Plan, created: ContainerInfo): void {
  const { asked } = plan.record;
  const { cpus, memoryBytes, pids } = created.limits;
  if (asked.cpuLimit !== undefined && cpus === null) throw unsupported("cpuLimit", core.backend.name);
  if (asked.memoryLimit !== undefined && memoryBytes === null) throw unsupported("memoryLimit", core.backend.name);
  if (asked.pidsLimit !== undefined && pids === null) throw unsupported("pidsLimit", core.backend.name);
}

/** The host port that was drawn and is taken; undefined where the error is another, or the port was asked for. */
function drawnPortTaken(container: Started, error: unknown): number | undefined {
  if (!PodkitError.is(error, "conflict") || error.details["reason"] !== "port_taken") return undefined;
  const { made } = container.record;
  const asked = new Set((effective(container.record).ports ?? []).map(({ host }) => host));
  const drawn = made.ports.filter(({ host }) => !asked.has(host)).map(({ host }) => host);
  const named = error.details["port"];
  // An engine that does not say which: any drawn one may be it.
  return named === undefined ? drawn[0] : drawn.find((host) => host === named);
}

async function isGone(core: Core, containerId: string): Promise<boolean> {
  return (await lookUp(core, containerId, {}).catch(() => undefined)) === null;
}
