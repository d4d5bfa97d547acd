import { randomUUID } from "node:crypto";
import { type AgentSource, type Clock, type Logger, PodkitError, silentLogger, timeoutError } from "@podkit/core";
import type { DockerApi } from "../api.js";
import { AGENT_VOLUME_LABEL, NONCE_LABEL } from "../labels.js";
import { record, text, time } from "../parse.js";
import { AGENT_FOLDER } from "../spec.js";
import { agentArchive } from "./archive.js";

/** What a filling may take, for everyone that waits for it. */
const FILL_TIMEOUT_MS = 60_000;
/** Age at which a filler is taken for left over. */
const STALE_MS = 60_000;
/** How long another's filler is waited for; filling twice does no harm. */
const PATIENCE_MS = 4_000;
const POLL_MS = 60;

/** What {@link AgentVolumes} is made of. */
export interface AgentVolumesOptions {
  /** Names begin with it. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly logger?: Logger | undefined;
}

/** For which image and platform an agent is wanted. */
export interface AgentRequest {
  readonly agent: AgentSource;
  /** Any image that is there: a filler container is made of it and never started. */
  readonly image: string;
  readonly platform: string;
  /** Given where the caller asked for one: then the filler must be of it too. */
  readonly askedPlatform?: string | undefined;
  readonly clockAheadMs: number;
}

/** The names on the engine that belong to one agent. */
export interface AgentVolumeNames {
  readonly volume: string;
  /** An empty volume that is there once the other was filled. */
  readonly filled: string;
  /** The container that fills it: its name is the lock between programs. */
  readonly filler: string;
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

  async names(request: Pick<AgentRequest, "agent" | "platform">): Promise<AgentVolumeNames> {
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
    const deadline = this.#options.clock.now() + FILL_TIMEOUT_MS;
    const seen = { id: "", since: 0 };
    for (let force = again; ; ) {
      if (!force && (await this.#isFilled(api, names))) return;
      const id = await this.#takeLock(api, request, names);
      if (id !== undefined) {
        await this.#fillBy(api, id, request, names, force);
        return;
      }
      if (this.#options.clock.now() >= deadline)
        throw timeoutError(`Waiting for another program to fill the agent's volume ${names.volume}`, FILL_TIMEOUT_MS);
      // Whoever holds the lock fills it as this program would.
      force = false;
      if (await this.#isStale(api, names.filler, seen, request.clockAheadMs)) await removeContainer(api, seen.id);
      else await new Promise<void>((resolve) => this.#options.clock.after(POLL_MS, resolve, { hold: true }));
    }
  }

  async #isFilled(api: DockerApi, names: AgentVolumeNames): Promise<boolean> {
    const found = await Promise.all([exists(api, "volumes", names.volume), exists(api, "volumes", names.filled)]);
    return found.every(Boolean);
  }

  async #takeLock(api: DockerApi, request: AgentRequest, names: AgentVolumeNames): Promise<string | undefined> {
    const labels = { [AGENT_VOLUME_LABEL]: request.agent.version };
    const mount = {
      Type: "volume",
      Source: names.volume,
      Target: AGENT_FOLDER,
      VolumeOptions: { NoCopy: true, Labels: labels },
    };
    const body = {
      Image: request.image,
      Entrypoint: ["/never-started"],
      Cmd: [],
      Labels: { ...labels, [NONCE_LABEL]: randomUUID() },
      HostConfig: { Mounts: [mount], NetworkMode: "none", LogConfig: { Type: "none" } },
    };
    const query = {
      name: names.filler,
      ...(request.askedPlatform === undefined ? {} : { platform: request.askedPlatform }),
    };
    try {
      const doing = "Putting podkit's agent on the engine";
      const subject = { kind: "image", name: request.image } as const;
      return text(
        record(await api.json({ doing, subject, method: "POST", path: "/containers/create", query, body }))["Id"],
      );
    } catch (error) {
      if (PodkitError.is(error, "already_exists")) return undefined;
      throw error;
    }
  }

  async #fillBy(
    api: DockerApi,
    id: string,
    request: AgentRequest,
    names: AgentVolumeNames,
    force: boolean,
  ): Promise<void> {
    try {
      // Another may have filled it between the look and the lock.
      if (!force && (await this.#isFilled(api, names))) return;
      const { agent, platform } = request;
      const [binary, sha] = await Promise.all([agent.binary(platform), agent.sha256(platform)]);
      const file = await agentArchive(binary, sha);
      const doing = "Putting podkit's agent on the engine";
      await api.json({ doing, method: "PUT", path: `/containers/${id}/archive`, query: { path: AGENT_FOLDER }, file });
      const body = { Name: names.filled, Labels: { [AGENT_VOLUME_LABEL]: agent.version } };
      await api.json({ doing, method: "POST", path: "/volumes/create", body });
    } finally {
      await removeContainer(api, id).catch((error: unknown) => {
        this.#logger.warn("The container that filled the agent's volume could not be removed.", {
          container: id,
          error,
        });
      });
    }
  }

  // By the engine's clock it is old, or this program has waited long enough for it.
  async #isStale(
    api: DockerApi,
    filler: string,
    seen: { id: string; since: number },
    clockAheadMs: number,
  ): Promise<boolean> {
    const now = this.#options.clock.now();
    let raw: unknown;
    try {
      raw = await api.json({
        doing: "Looking at the agent's filler",
        subject: { kind: "container", name: filler },
        method: "GET",
        path: `/containers/${filler}/json`,
      });
    } catch (error) {
      if (PodkitError.is(error, "not_found")) return false;
      throw error;
    }
    const id = text(record(raw)["Id"]);
    if (id !== seen.id) {
      seen.id = id;
      seen.since = now;
    }
    const createdAt = time(record(raw)["Created"]) ?? now + clockAheadMs;
    return now - seen.since > PATIENCE_MS || now + clockAheadMs - createdAt > STALE_MS;
  }
}

async function exists(api: DockerApi, kind: "volumes", name: string): Promise<boolean> {
  try {
    await api.json({
      doing: "Looking for the agent's volume",
      subject: { kind: "volume", name },
      method: "GET",
      path: `/${kind}/${name}`,
    });
    return true;
  } catch (error) {
    if (PodkitError.is(error, "not_found")) return false;
    throw error;
  }
}

async function removeContainer(api: DockerApi, id: string): Promise<void> {
  try {
    await api.json({
      doing: "Removing the agent's filler",
      method: "DELETE",
      path: `/containers/${id}`,
      query: { force: true },
    });
  } catch (error) {
    if (!PodkitError.is(error, "not_found") && !PodkitError.is(error, "conflict")) throw error;
  }
}
