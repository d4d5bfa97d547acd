import { randomUUID } from "node:crypto";
import {
  type AgentSource,
  type Clock,
  type ContainerInfo,
  type ContainerSpec,
  type DeadlineOptions,
  ENGINE_TIMEOUT_MS,
  type Logger,
  PodkitError,
  withDeadline,
} from "@podkit/core";
import type { AgentVolumes } from "./agent/volume.js";
import type { DockerApi } from "./api.js";
import { requireCapabilities } from "./capabilities.js";
import type { Engine } from "./connect/connection.js";
import { containerInfo } from "./inspect.js";
import { NONCE_LABEL } from "./labels.js";
import { ensureInternalNetwork, joinNetworks, requireNetworks } from "./networks.js";
import { record, stringRecord, text } from "./parse.js";
import { createBody, nanoCpus } from "./spec.js";

/** What a creation works with. */
export interface CreateContext {
  readonly api: DockerApi;
  readonly engine: Engine;
  readonly volumes: AgentVolumes;
  /** Name of the network of `networkMode: "internal"`. */
  readonly internalName: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long clearing away after a failure may hold the caller up; it goes on afterwards. */
const UNDO_TIMEOUT_MS = 10_000;

/** Makes a container, or leaves nothing of it. */
export async function createContainer(
  context: CreateContext,
  spec: ContainerSpec,
  agent: AgentSource,
  options: DeadlineOptions,
): Promise<ContainerInfo> {
  requireCapabilities(spec, context.engine.capabilities, context.engine.info.version);
  const creation = new Creation(context, spec, agent);
  const { signal, timeoutMs = ENGINE_TIMEOUT_MS } = options;
  try {
    return await withDeadline(`Creating container ${spec.name}`, { signal, timeoutMs }, (within) =>
      creation.run(within),
    );
  } catch (error) {
    await creation.undo();
    throw error;
  }
}

class Creation {
  readonly #context: CreateContext;
  readonly #spec: ContainerSpec;
  readonly #agent: AgentSource;
  readonly #nonce = randomUUID();
  #sent: Promise<string> | undefined;

  constructor(context: CreateContext, spec: ContainerSpec, agent: AgentSource) {
    this.#context = context;
    this.#spec = spec;
    this.#agent = agent;
  }

  async run(signal: AbortSignal): Promise<ContainerInfo> {
    const { api, clock, engine, volumes, internalName } = this.#context;
    const spec = this.#spec;
    const image = spec.image;
    if (image === undefined)
      throw new PodkitError("invalid_argument", "A container on Docker needs an image. Give one.", {
        details: { field: "image" },
      });
    const platform = spec.platform ?? engine.info.platform;
    const request = {
      agent: this.#agent,
      image,
      platform,
      askedPlatform: spec.platform,
      clockAheadMs: engine.clockAheadMs,
    };
    const [agentVolume] = await Promise.all([volumes.ensure(api, request), requireNetworks(api, spec, { signal })]);
    if (spec.networkMode === "internal") await ensureInternalNetwork(api, clock, internalName, { signal });
    signal.throwIfAborted();
    const query = { name: spec.name, ...(spec.platform === undefined ? {} : { platform: spec.platform }) };
    const body = createBody(spec, {
      agentVolume,
      agentVersion: this.#agent.version,
      nonce: this.#nonce,
      internalNetwork: internalName,
    });
    const subject = { kind: "container", name: spec.name, needs: { kind: "image", name: image } } as const;
    // Not bound to the signal: a request that is cut may still be carried out, and then its answer is what tells what to remove.
    this.#sent = api
      .json({
        doing: `Creating container ${spec.name}`,
        subject,
        method: "POST",
        path: "/containers/create",
        query,
        body,
      })
      .then((raw) => text(record(raw)["Id"]));
    const id = await this.#sent;
    await joinNetworks(api, id, spec.networks.slice(1), { signal });
    const raw = await inspectRaw(api, id, { signal });
    requireKept(spec, raw);
    return containerInfo(raw);
  }

  /** Removes what this creation made, and nothing else. */
  async undo(): Promise<void> {
    if (this.#sent === undefined) return;
    const work = this.#remove(this.#sent);
    try {
      await withDeadline(`Clearing away container ${this.#spec.name}`, { timeoutMs: UNDO_TIMEOUT_MS }, () => work);
    } catch (error) {
      this.#context.logger.warn("What a failed creation made could not be removed.", {
        container: this.#spec.name,
        error,
      });
    }
  }

  async #remove(sent: Promise<string>): Promise<void> {
    const { api } = this.#context;
    let id: string;
    try {
      id = await sent;
    } catch (error) {
      // The engine said no; else the answer was lost, and the name is asked whether it is there after all.
      if (!PodkitError.is(error, "unavailable") && !PodkitError.is(error, "timeout")) return;
      id = this.#spec.name;
    }
    try {
      const raw = await inspectRaw(api, id, {});
      if (stringRecord(record(record(raw)["Config"])["Labels"])[NONCE_LABEL] !== this.#nonce) return;
      await api.json({
        doing: `Removing container ${id}`,
        method: "DELETE",
        path: `/containers/${text(record(raw)["Id"])}`,
        query: { force: true, v: true },
      });
    } catch (error) {
      if (!PodkitError.is(error, "not_found")) throw error;
    }
  }
}

/** The engine's whole answer about a container. */
export function inspectRaw(api: DockerApi, id: string, options: DeadlineOptions): Promise<unknown> {
  const subject = { kind: "container", name: id } as const;
  return api.json(
    { doing: `Looking at container ${id}`, subject, method: "GET", path: `/containers/${encodeURIComponent(id)}/json` },
    options,
  );
}

/** Compares the limits that are in force with those that were asked for: an engine may drop one with no more than a warning. */
function requireKept(spec: ContainerSpec, raw: unknown): void {
  const host = record(record(raw)["HostConfig"]);
  const { limits } = spec;
  const pairs: readonly [string, number | undefined, unknown][] = [
    ["cpu limit", limits.cpus === undefined ? undefined : nanoCpus(limits.cpus), host["NanoCpus"]],
    ["memory limit", limits.memoryBytes, host["Memory"]],
    ["pids limit", limits.pids, host["PidsLimit"]],
    ["size of /dev/shm", limits.shmBytes, host["ShmSize"]],
    [
      "disk limit",
      limits.diskBytes,
      limits.diskBytes === undefined ? undefined : Number(text(record(host["StorageOpt"])["size"])),
    ],
  ];
  for (const [what, asked, kept] of pairs) {
    if (asked === undefined || asked === kept) continue;
    throw new PodkitError(
      "unsupported",
      `Docker does not keep the ${what} that was asked for (${asked}, kept ${String(kept)}), so the container was removed again. Leave it out, or set the engine up for it.`,
      {
        details: { limit: what, asked, kept },
      },
    );
  }
}
