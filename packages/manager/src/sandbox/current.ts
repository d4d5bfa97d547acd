import { type CallOptions, PodkitError } from "@podkit/core";
import type { Lease } from "../connection.js";
import type { Core, Target } from "../core.js";
import { lookUp } from "../create/reach.js";
import type { Opened, Wanted } from "../create/types.js";
import { requireOwn } from "../labels/labels.js";
import { parseRecord, type StoredRecord } from "../labels/record.js";
import { endedBeforeItBegan } from "./not-begun.js";

/** Opens the container of an identity; callers at once share the work. */
export type Obtain = (wanted: Wanted, options: CallOptions) => Promise<Opened>;

/** What a sandbox begins with. */
export interface Known {
  readonly containerId: string;
  /** Null where nobody read it yet. */
  readonly record: StoredRecord | null;
  readonly lease: Lease | null;
}

/** What a sandbox keeps of the call that made it. */
export interface CurrentOptions extends Target {
  readonly core: Core;
  readonly obtain: Obtain;
  readonly registryAuth: Wanted["registryAuth"];
  readonly defaultImage: string;
}

/** The container of an identity as one sandbox last saw it; heals when something is needed of it that it does not give any more. */
export class Current {
  readonly options: CurrentOptions;
  #containerId: string;
  #record: StoredRecord | null;
  #lease: Lease | null;
  #released = false;

  constructor(options: CurrentOptions, known: Known) {
    this.options = options;
    this.#containerId = known.containerId;
    this.#record = known.record;
    this.#lease = known.lease;
  }

  get containerId(): string {
    return this.#containerId;
  }

  /**
   * A connection to the agent of a running container. One that stopped is started, one that is gone is made again.
   * @throws `invalid_state` where it is paused.
   */
  async ready(options: CallOptions): Promise<Lease> {
    if (this.#released)
      throw new PodkitError("invalid_state", `The sandbox ${this.options.name} was released. Open it again.`);
    const lease = this.#lease;
    if (lease?.alive !== true) return await this.#heal(options);
    if (!this.options.core.connections.isPaused(lease.containerId)) return lease;
    return await this.#whilePaused(lease, options);
  }

  /**
   * Runs `work` on the agent; once more, on the healed container, where it failed before it began because the container had just stopped.
   * @param repeat False where a second run could do harm unless the first provably began nothing.
   */
  async use<T>(options: CallOptions, work: (lease: Lease) => Promise<T>, repeat = true): Promise<T> {
    const lease = await this.ready(options);
    const since = this.options.core.clock.now();
    try {
      return await work(lease);
    } catch (error) {
      if (options.signal?.aborted === true || !(await this.shouldRepeat(lease, error, { since, repeat }))) throw error;
      return await work(await this.ready(options));
    }
  }

  /** True where the failure only says that the container ended before anything began; it is not in use any more then. */
  async shouldRepeat(
    lease: Lease,
    error: unknown,
    call: { readonly since: number; readonly repeat: boolean },
  ): Promise<boolean> {
    if (this.#released) return false;
    const again = await endedBeforeItBegan(this.options.core, this.#record, lease, error, call);
    if (again) this.options.core.connections.drop(lease.containerId);
    return again;
  }

  /** True where the identity has another container than `containerId` now. An engine that does not answer proves nothing. */
  async isReplaced(containerId: string): Promise<boolean> {
    if (this.#containerId !== containerId) return true;
    const info = await lookUp(this.options.core, this.options.name, {}).catch(() => undefined);
    return info !== undefined && info !== null && info.id !== containerId;
  }

  /** The container as the engine knows it now; null where there is none. @throws `conflict` where it is not this session's. */
  async inspect(options: CallOptions): Promise<NonNullable<Awaited<ReturnType<typeof lookUp>>> | null> {
    const { core, name, identity } = this.options;
    await core.backend.connect(options);
    const info = await lookUp(core, name, options);
    if (info !== null) requireOwn(info.labels, identity, name);
    return info;
  }

  /** Lets go of the connection. */
  release(): void {
    this.#released = true;
    this.#lease?.release();
    this.#lease = null;
  }

  async #heal(options: CallOptions): Promise<Lease> {
    const { core, obtain } = this.options;
    this.#lease?.release();
    this.#lease = null;
    const remembered = this.#record ?? (await this.#readRecord(options));
    const opened = await obtain({ ...this.options, asked: {}, onMismatch: "reuse", remembered }, options);
    core.connections.setPaused(opened.containerId, opened.lease === null);
    this.#containerId = opened.containerId;
    this.#record = opened.record;
    if (opened.lease === null) throw pausedError(this.options.name);
    return this.#keep(opened.lease);
  }

  /** What runs in a paused container keeps its connection; another program may have resumed it. */
  async #whilePaused(lease: Lease, options: CallOptions): Promise<Lease> {
    const { core, name } = this.options;
    const info = await lookUp(core, lease.containerId, options);
    if (info?.state === "paused") throw pausedError(name);
    core.connections.setPaused(lease.containerId, false);
    if (info?.state === "running") return lease;
    core.connections.drop(lease.containerId);
    return await this.#heal(options);
  }

  /** Two calls may heal at once: one share is enough. */
  #keep(lease: Lease): Lease {
    if (this.#released) {
      lease.release();
      throw new PodkitError(
        "invalid_state",
        `The sandbox ${this.options.name} was released while it was being healed.`,
      );
    }
    const held: Lease | null = this.#lease;
    if (held?.alive === true && held.containerId === lease.containerId) {
      lease.release();
      return held;
    }
    this.#lease = lease;
    held?.release();
    return lease;
  }

  async #readRecord(options: CallOptions): Promise<StoredRecord | undefined> {
    const info = await this.inspect(options);
    return info === null ? undefined : parseRecord(info.labels, this.options.name);
  }
}

/** The error of a call that needs a container that is paused. */
export function pausedError(name: string): PodkitError {
  return new PodkitError("invalid_state", `Container ${name} is paused, and nothing runs in it. Call resume() first.`, {
    details: { reason: "paused", containerName: name },
  });
}

/** The error of something that belonged to a container that was replaced. */
export function replacedError(what: string, name: string, cause?: unknown): PodkitError {
  return new PodkitError(
    "not_found",
    `${what} belonged to a container of ${name} that was replaced since. Start it anew in the present one.`,
    {
      details: { reason: "replaced", containerName: name },
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
