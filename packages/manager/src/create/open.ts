import { PodkitError } from "@podkit/core";
import { type Core, facts } from "../core.js";
import { adoptContainer } from "./adopt.js";
import { makeContainer } from "./make.js";
import { asPodkitError, lookUp } from "./reach.js";
import { AGAIN, type Attempt, type Opened, type Wanted } from "./types.js";

/** How often the engine's state may change under an attempt. */
const MAX_ROUNDS = 5;

/**
 * Finds the container of an identity, or makes it. The engine's unique names are the only lock between programs, so that every step is one that
 * any other program can repeat or take over:
 *
 * 1. Look up by name. There: see that its labels are this identity's (else `conflict`, and it is never touched), compare what is asked, and continue it: a
 *    running one is connected to, one that stopped or that was never started is started.
 * 2. Not there: plan, create, start, verify. `already_exists` means that another program was first: from the top, where its container is adopted.
 * 3. `not_found` under our hands means that another program failed and cleaned up: from the top.
 *
 * A container has its whole record from the moment that it exists, so that a program that is killed at any point leaves one that the next call
 * adopts. Within a program there is one flight for each name (see `Flights`).
 */
export async function openContainer(core: Core, wanted: Wanted, signal: AbortSignal): Promise<Opened> {
  const avoid = new Set<number>();
  for (let round = 0; round < MAX_ROUNDS + avoid.size; round += 1) {
    const attempt = await attemptOnce(core, wanted, avoid, signal);
    if (attempt !== AGAIN) return attempt;
  }
  throw new PodkitError(
    "unavailable",
    `Container ${wanted.name} was made and removed by others ${MAX_ROUNDS} times while this call wanted it. Try again once they are done.`,
    { details: { containerName: wanted.name } },
  );
}

async function attemptOnce(core: Core, wanted: Wanted, avoid: Set<number>, signal: AbortSignal): Promise<Attempt> {
  await core.backend.connect({ signal });
  const found = await lookUp(core, wanted.name, { signal });
  if (found !== null) return await adoptContainer(core, wanted, found, avoid, signal);
  try {
    return await makeContainer(core, wanted, avoid, signal);
  } catch (error) {
    core.events.emit({ type: "container.creationFailed", ...facts(core, wanted), error: asPodkitError(error) });
    throw error;
  }
}
