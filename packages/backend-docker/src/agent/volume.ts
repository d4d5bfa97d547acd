import { type AgentSource, type Clock, type Logger, PodkitError, silentLogger, timeoutError } from "@podkit/core";
import type { DockerApi } from "../api.js";
import { AGENT_VOLUME_LABEL } from "../labels.js";
import {
  type AgentRequest,
  type AgentVolumeNames,
  createFiller,
  findFiller,
  putAgent,
  removeFiller,
} from "./filler.js";

/** What a filling may take, for everyone that waits for it. */
const FILL_TIMEOUT_MS = 60_000;
/** Age at which a filler is taken for left over. */
const STALE_MS = 60_000;
/** How long another's filler is waited for; filling twice does no harm. */
const PATIENCE_MS = 4_000;
const POLL_MS = 60;
/** How often a filling is begun again that another program cut by taking over. */
const MAX_TAKEOVERS = 3;

/** What {@link AgentVolumes} is made of. */
export interface AgentVolumesOptions {
  /** Names begin with it. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly logger?: Logger | undefined;
}

/** The volumes that hold the agent: one for each version and platform, filled once for the whole engine. */
export class AgentVolumes {
  readonly #options: AgentVolumesOptions;
  readonly #logger: Logger;
  readonly #ready = new Map<string, Promise<void>>();

  constructor(options: AgentVolumesOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  /** What names begin with. */
  get prefix(): string {
    return this.#options.prefix;
  }

  async names(request: { readonly agent: AgentSource; readonly platform: string }): Promise<AgentVolumeNames> {
    const { agent, platform } = request;
    const sha = (await agent.sha256(platform)).slice(0, 12);
    const arch = platform.slice(platform.indexOf("/") + 1).replace(/[^a-z0-9]/gi, "-");
    const version = agent.version.replace(/[^a-zA-Z0-9_.-]/g, "-");
    const volume = `${this.#options.prefix}-${version}-${sha}-${arch}`;
    return { volume, filled: `${volume}.filled`, filler: `${this.#options.prefix}-fill-${sha}-${arch}` };
  }

  /** The name of the volume, once it is filled. `again`: it is filled whatever its marks say. */
  async ensure(api: DockerApi, request: AgentRequest, again = false): Promise<string> {
    const names = await this.names(request);
    if (again) this.#ready.delete(names.volume);
    let ready = this.#ready.get(names.volume);
    if (ready === undefined) {
      // Shared by all callers, and so bounded by its own deadline and not by one of theirs.
      ready = this.#fill(api, request, names, again).catch((error: unknown) => {
        this.#ready.delete(names.volume);
        throw error;
      });
      this.#ready.set(names.volume, ready);
    }
    await ready;
    return names.volume;
  }

  /** Forgets that a volume was seen filled. */
  forget(volume: string): void {
    this.#ready.delete(volume);
  }

  async #fill(api: DockerApi, request: AgentRequest, names: AgentVolumeNames, again: boolean): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.now() + FILL_TIMEOUT_MS;
    const seen = { id: "", since: 0 };
    let cut = 0;
    for (let force = again; ; ) {
      if (!force && (await isFilled(api, names))) return;
      const id = await createFiller(api, request, names);
      if (id !== undefined) {
        if (await this.#fillBy(api, id, request, names, force, cut < MAX_TAKEOVERS)) return;
        cut += 1;
      } else if (await this.#isStale(api, names.filler, seen, request.clockAheadMs)) {
        await removeFiller(api, seen.id);
      } else {
        // Whoever holds the lock fills it as this program would.
        force = false;
        if (clock.now() >= deadline) throw timeoutError(`Waiting for ${names.volume} to be filled`, FILL_TIMEOUT_MS);
        await new Promise<void>((resolve) => clock.after(POLL_MS, resolve, { hold: true }));
      }
    }
  }

  /** False where another program removed the filler meanwhile. */
  async #fillBy(
    api: DockerApi,
    id: string,
    request: AgentRequest,
    names: AgentVolumeNames,
    force: boolean,
    mayRepeat: boolean,
  ): Promise<boolean> {
    try {
      // Another may have filled it between the look and the lock.
      const done = !force && (await isFilled(api, names));
      if (!done) await putAgent(api, id, request);
      // The mark comes last: a program that dies before it leaves a volume that the next one fills again.
      await removeFiller(api, id);
      if (!done) await mark(api, names, request.agent.version);
      return true;
    } catch (error) {
      await removeFiller(api, id).catch((cause: unknown) => {
        this.#logger.warn("The container that fills the agent's volume could not be removed.", {
          container: id,
          cause,
        });
      });
      if (mayRepeat && PodkitError.is(error, "not_found")) return false;
      throw error;
    }
  }

  // By the engine's clock it is old, or this program has waited long enough for it.
  async #isStale(
    api: DockerApi,
    filler: string,
    seen: { id: string; since: number },
    clockAheadMs: number,
  ): Promise<boolean> {
    const found = await findFiller(api, filler);
    if (found === undefined) return false;
    const now = this.#options.clock.now();
    if (found.id !== seen.id) {
      seen.id = found.id;
      seen.since = now;
    }
    const bornAt = (found.createdAt ?? now + clockAheadMs) - clockAheadMs;
    return now - seen.since > PATIENCE_MS || now - bornAt > STALE_MS;
  }
}

async function isFilled(api: DockerApi, names: AgentVolumeNames): Promise<boolean> {
  const found = await Promise.all([exists(api, names.volume), exists(api, names.filled)]);
  return found.every(Boolean);
}

async function mark(api: DockerApi, names: AgentVolumeNames, version: string): Promise<void> {
  const body = { Name: names.filled, Labels: { [AGENT_VOLUME_LABEL]: version } };
  await api.json({ doing: "Marking the agent's volume as filled", method: "POST", path: "/volumes/create", body });
}

async function exists(api: DockerApi, name: string): Promise<boolean> {
  const subject = { kind: "volume", name } as const;
  try {
    await api.json({ doing: "Looking for the agent's volume", subject, method: "GET", path: `/volumes/${name}` });
    return true;
  } catch (error) {
    if (PodkitError.is(error, "not_found")) return false;
    throw error;
  }
}
