import {
  type CallOptions,
  ENGINE_TIMEOUT_MS,
  type EventBus,
  type OpenRequest,
  PodkitError,
  parseId,
  type Runtime,
  type Sandbox,
  type SandboxSummary,
  type SessionId,
} from "@podkit/core";
import type { AgentFactory } from "./agent-port.js";
import { agentClient, coreOf } from "./assembly.js";
import { compareConfigs, conflictError, sameAsked } from "./config/compare.js";
import type { Core, Target } from "./core.js";
import { Flights, type Landing } from "./create/flights.js";
import { openContainer } from "./create/open.js";
import { lookUp } from "./create/reach.js";
import { AGAIN, type Opened, type Wanted } from "./create/types.js";
import { identityOf, LABEL_APP_PREFIX, requireOwn } from "./labels/labels.js";
import { containerName } from "./names.js";
import type { ContainerManagerOptions } from "./options.js";
import { Current, type Known } from "./sandbox/current.js";
import { ManagedSandbox } from "./sandbox/sandbox.js";
import { checkRequest } from "./validate/request.js";

/** How often a call may find that others' flights did not serve it. */
const MAX_TURNS = 20;

/** The lifecycle of containers on one engine: finds, makes, heals and removes them. It keeps nothing that the engine does not know. */
export class ContainerManager implements Runtime {
  readonly prefix: string;
  readonly events: EventBus;
  readonly #core: Core;
  readonly #defaultImage: string;
  readonly #flights: Flights<Opened, Wanted>;
  #closed = false;

  /** @throws `invalid_argument` where an option does not fit. */
  constructor(options: ContainerManagerOptions, createAgent: AgentFactory = agentClient) {
    const { core, prefix, defaultImage } = coreOf(options, createAgent);
    this.#core = core;
    this.prefix = prefix;
    this.events = core.events;
    this.#defaultImage = defaultImage;
    this.#flights = new Flights((opened) => opened.lease?.release());
  }

  /** See core's `Runtime`. A paused container is given as it is; commands are refused until `resume`. */
  async open(request: OpenRequest, options: CallOptions = {}): Promise<Sandbox> {
    this.#requireOpen();
    const checked = checkRequest(request);
    const target = this.#target(checked);
    const wanted: Wanted = {
      ...target,
      asked: checked.asked,
      registryAuth: checked.registryAuth,
      defaultImage: checked.defaultImage ?? this.#defaultImage,
      onMismatch: checked.onConfigMismatch,
      remembered: undefined,
    };
    const opened = await this.#obtain(wanted, options);
    return this.#sandbox(wanted, opened);
  }

  async find(id: SessionId, options: CallOptions = {}): Promise<Sandbox | null> {
    this.#requireOpen();
    const target = this.#target(id);
    await this.#core.backend.connect(options);
    const info = await lookUp(this.#core, target.name, options);
    if (info === null) return null;
    requireOwn(info.labels, target.identity, target.name);
    const known = { containerId: info.id, record: null, lease: null };
    return this.#sandbox({ ...target, registryAuth: undefined, defaultImage: this.#defaultImage }, known);
  }

  async list(options: CallOptions = {}): Promise<SandboxSummary[]> {
    this.#requireOpen();
    await this.#core.backend.connect(options);
    const labels = { [LABEL_APP_PREFIX]: this.prefix };
    const found = await this.#core.backend.list(labels, { ...options, timeoutMs: ENGINE_TIMEOUT_MS });
    return found.flatMap(({ id, name, state, labels: its, createdAt }) => {
      const identity = identityOf(its);
      // Images made of our containers hand their labels on: only the name proves whose it is.
      if (identity === null || identity.prefix !== this.prefix || containerName(identity) !== name) return [];
      return [{ ...identity, containerId: id, containerName: name, state, createdAt }];
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#flights.close();
    await this.#core.connections.close();
  }

  #target({ userId, sessionId }: SessionId): Target {
    const identity = {
      prefix: this.prefix,
      userId: parseId("userId", userId),
      sessionId: parseId("sessionId", sessionId),
    };
    return { identity, name: containerName(identity) };
  }

  #sandbox(of: Pick<Wanted, "identity" | "name" | "registryAuth" | "defaultImage">, known: Known): Sandbox {
    const { identity, name, registryAuth, defaultImage } = of;
    const obtain = (wanted: Wanted, options: CallOptions): Promise<Opened> => this.#obtain(wanted, options);
    return new ManagedSandbox(
      new Current({ core: this.#core, obtain, identity, name, registryAuth, defaultImage }, known),
    );
  }

  async #obtain(wanted: Wanted, options: CallOptions): Promise<Opened> {
    for (let turn = 0; turn < MAX_TURNS; turn += 1) {
      this.#requireOpen();
      const got = await this.#flights.ride<Opened | typeof AGAIN>(
        wanted.name,
        `Opening session ${wanted.identity.sessionId}`,
        options,
        wanted,
        (signal) => openContainer(this.#core, wanted, signal),
        (landing) => take(wanted, landing),
        (error, of) => {
          // What failed for the same wish would fail for this one too.
          if (sameWish(wanted, of)) throw error;
          return AGAIN;
        },
      );
      if (got !== AGAIN) return got;
    }
    throw new PodkitError(
      "unavailable",
      `Too many callers want container ${wanted.name} with different configurations at once. Try again.`,
    );
  }

  #requireOpen(): void {
    if (this.#closed) throw new PodkitError("invalid_state", "This ContainerManager was closed. Make a new one.");
  }
}

/** A rider's own share of what a flight opened; its own wish is compared as if it had come alone. */
function take(wanted: Wanted, { result, led }: Landing<Opened, Wanted>): Opened | typeof AGAIN {
  if (!led && wanted.onMismatch !== "reuse") {
    const differences = compareConfigs(wanted.asked, result.record);
    if (differences.length > 0 && wanted.onMismatch === "recreate") return AGAIN;
    if (differences.length > 0) throw conflictError(wanted.name, differences);
  }
  return { ...result, lease: result.lease?.share() ?? null };
}

function sameWish(a: Wanted, b: Wanted): boolean {
  return (
    a.onMismatch === b.onMismatch &&
    a.defaultImage === b.defaultImage &&
    a.remembered === b.remembered &&
    a.registryAuth === b.registryAuth &&
    sameAsked(a.asked, b.asked)
  );
}
