import { hostname } from "node:os";
import { type Capabilities, type DeadlineOptions, type EngineInfo, PodkitError, withDeadline } from "@podkit/core";
import { DockerApi } from "../api.js";
import { capabilitiesOf } from "../capabilities.js";
import type { DockerClient } from "../client.js";
import { unreachable } from "../errors.js";
import { type Json, record, text, time } from "../parse.js";
import { type Candidate, candidates, type DockerConnectionOptions, type Surroundings } from "./candidates.js";
import { clientFor, type OwnedClient } from "./client-for.js";
import { platformOf } from "./platform.js";

/** An engine that answered. */
export interface Engine {
  readonly info: EngineInfo;
  readonly capabilities: Capabilities;
  /** Milliseconds that the engine's clock is ahead of this program's. */
  readonly clockAheadMs: number;
}

/** What {@link Connection} is made of. */
export interface ConnectionOptions extends DockerConnectionOptions {
  readonly client?: DockerClient | undefined;
  readonly around: Surroundings;
  readonly now: () => number;
}

/** Milliseconds that one place may take to answer where more than one is tried. */
const PING_TIMEOUT_MS = 5_000;

/** The way to the engine: found once, by the first caller that needs it. */
export class Connection {
  readonly #options: ConnectionOptions;
  #reaching: Promise<DockerApi> | undefined;
  #engine: Promise<Engine> | undefined;
  #owned: OwnedClient | undefined;
  #closed = false;
  /** Where the engine was found; undefined for a client that was given. */
  found: Candidate | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The API of the first place that answers. A failure is not kept: the next call tries again. */
  reach(options: DeadlineOptions = {}): Promise<DockerApi> {
    if (this.#closed)
      return Promise.reject(new PodkitError("invalid_state", "This Docker backend was closed. Make a new one."));
    this.#reaching ??= this.#find().catch((error: unknown) => {
      this.#reaching = undefined;
      throw error;
    });
    return wait("Looking for Docker", this.#reaching, options);
  }

  /** What answers there, and what it can do. */
  engine(options: DeadlineOptions = {}): Promise<Engine> {
    this.#engine ??= this.#ask().catch((error: unknown) => {
      this.#engine = undefined;
      throw error;
    });
    return wait("Connecting to Docker", this.#engine, options);
  }

  close(): void {
    this.#closed = true;
    this.#owned?.close();
  }

  async #find(): Promise<DockerApi> {
    if (this.#options.client !== undefined) return new DockerApi(this.#options.client, "the given client");
    let first: PodkitError | undefined;
    for (const candidate of candidates(this.#options, this.#options.around)) {
      const owned = clientFor(candidate.endpoint, this.#options.around.env["SSH_AUTH_SOCK"]);
      const api = new DockerApi(owned.client, candidate.endpoint.url);
      try {
        await ping(api);
        this.#owned = owned;
        this.found = candidate;
        return api;
      } catch (error) {
        owned.close();
        first ??= PodkitError.is(error, "unavailable") ? error : unreachable(candidate.endpoint.url, error);
      }
    }
    throw first ?? unreachable("any usual place", new Error("nothing to try"));
  }

  async #ask(): Promise<Engine> {
    const api = await this.reach();
    const raw = record(await api.json({ doing: "Asking Docker what it can do", method: "GET", path: "/info" }));
    const now = this.#options.now();
    const info: EngineInfo = {
      name: "docker",
      version: text(raw["ServerVersion"]),
      platform: platformOf(text(raw["OSType"]), text(raw["Architecture"])),
      endpoint: api.endpoint,
      local: isLocal(this.found, raw),
    };
    return { info, capabilities: capabilitiesOf(raw), clockAheadMs: (time(raw["SystemTime"]) ?? now) - now };
  }
}

/** Asks for the least that an engine answers. */
export async function ping(api: DockerApi): Promise<void> {
  await api.json({ doing: "Looking for Docker", method: "GET", path: "/_ping" }, { timeoutMs: PING_TIMEOUT_MS });
}

// A caller's deadline and abort end its own waiting; the work is shared with the others.
function wait<T>(doing: string, work: Promise<T>, options: DeadlineOptions): Promise<T> {
  if (options.signal === undefined && options.timeoutMs === undefined) return work;
  return withDeadline(doing, options, () => work);
}

// A port of this machine may be a tunnel to another one: then the engine's name is not this machine's.
function isLocal(found: Candidate | undefined, info: Json): boolean {
  if (found === undefined || found.endpoint.kind === "socket") return true;
  if (found.endpoint.kind === "ssh") return false;
  return ["127.0.0.1", "localhost", "::1"].includes(found.endpoint.host) && text(info["Name"]) === hostname();
}
