import {
  type AgentSource,
  type Backend,
  type BackendEvent,
  type ByteStream,
  type CallOptions,
  type Capabilities,
  type Clock,
  type ContainerInfo,
  type ContainerSpec,
  type ContainerStats,
  type ContainerSummary,
  type DeadlineOptions,
  type Endpoint,
  type EngineInfo,
  type ImageInfo,
  type ImageRequest,
  type LogChunk,
  type Logger,
  type LogOptions,
  PodkitError,
  type PullProgress,
  silentLogger,
  systemClock,
} from "@podkit/core";
import { pruneAgentVolumes } from "./agent/prune.js";
import { AgentVolumes } from "./agent/volume.js";
import type { DockerApi } from "./api.js";
import type { DockerClient } from "./client.js";
import type { DockerConnectionOptions } from "./connect/candidates.js";
import { Connection, type Engine } from "./connect/connection.js";
import { machineSurroundings } from "./connect/surroundings.js";
import { createContainer } from "./create.js";
import { portEndpoint } from "./endpoint.js";
import { containerEvents } from "./events.js";
import { openStream } from "./exec.js";
import { credentialHelper } from "./images/credential-helper.js";
import { Images } from "./images/images.js";
import { containerInfo, containerSummary } from "./inspect.js";
import { change, remove } from "./lifecycle.js";
import { containerLogs } from "./logs.js";
import { list } from "./parse.js";
import { inspectSettled } from "./removal.js";
import { startContainer } from "./start.js";
import { containerStats } from "./stats.js";

/** What a {@link DockerBackend} is made of. Everything is optional: without a word it finds the engine as the docker command does. */
export interface DockerBackendOptions extends DockerConnectionOptions {
  /** A dockerode client, or what looks like one; it wins over every other way to connect, and `close` leaves it alone. */
  readonly client?: DockerClient | undefined;
  /** Names of volumes that hold the agent begin with it. Default `podkit-agent`. */
  readonly agentVolumePrefix?: string | undefined;
  /** Name of the network that `network: "internal"` means. Default `podkit-internal`. */
  readonly internalNetwork?: string | undefined;
  /** Where `DOCKER_HOST` and the like are looked up. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
}

/**
 * The Docker backend. Only `create` and `capabilities` need to know what the engine can do: every other method may be called
 * before `connect` settled, and finds the engine by itself.
 */
export class DockerBackend implements Backend {
  readonly specVersion = 1;
  readonly name = "docker";
  readonly #options: DockerBackendOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #connection: Connection;
  readonly #volumes: AgentVolumes;
  readonly #images: Images;
  readonly #agents = new Map<string, AgentSource>();
  #engine: Engine | undefined;

  constructor(options: DockerBackendOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    const around = machineSurroundings(options.env ?? process.env);
    this.#connection = new Connection({ ...options, around, now: () => this.#clock.now() });
    const shared = { clock: this.#clock, logger: this.#logger };
    this.#volumes = new AgentVolumes({ prefix: options.agentVolumePrefix ?? "podkit-agent", ...shared });
    this.#images = new Images({ auth: { around, helper: credentialHelper(around.env) }, ...shared });
  }

  get capabilities(): Capabilities {
    if (this.#engine !== undefined) return this.#engine.capabilities;
    throw new PodkitError("invalid_state", "What Docker can do is not known before connect() settled. Await it first.");
  }

  async connect(options: DeadlineOptions = {}): Promise<EngineInfo> {
    this.#engine = await this.#connection.engine(options);
    return this.#engine.info;
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async inspectImage(image: string, options: DeadlineOptions = {}): Promise<ImageInfo> {
    return await this.#images.inspect(await this.#api(options), image, options);
  }

  async ensureImage(
    request: ImageRequest,
    options: CallOptions & { readonly onProgress?: (progress: PullProgress) => void } = {},
  ): Promise<ImageInfo> {
    return await this.#images.ensure(await this.#api(options), request, options);
  }

  /** Removes the volumes of agents that no container uses, and gives their names. */
  async pruneAgentVolumes(options: DeadlineOptions = {}): Promise<string[]> {
    const removed = await pruneAgentVolumes(await this.#api(options), this.#volumes.prefix, options);
    for (const name of removed) this.#volumes.forget(name);
    return removed;
  }

  async create(spec: ContainerSpec, agent: AgentSource, options: DeadlineOptions = {}): Promise<ContainerInfo> {
    await this.connect(options);
    const engine = await this.#connection.engine();
    this.#agents.set(agent.version, agent);
    const internalName = this.#options.internalNetwork ?? "podkit-internal";
    const context = {
      api: await this.#api(options),
      engine,
      volumes: this.#volumes,
      internalName,
      clock: this.#clock,
      logger: this.#logger,
    };
    return await createContainer(context, spec, agent, options);
  }

  async start(id: string, options: DeadlineOptions & { readonly agent?: AgentSource | undefined } = {}): Promise<void> {
    const api = await this.#api(options);
    const agents = [...(options.agent === undefined ? [] : [options.agent]), ...this.#agents.values()];
    const shared = { clock: this.#clock, logger: this.#logger };
    const engine = (): Promise<Engine> => this.#connection.engine();
    await startContainer({ api, engine, volumes: this.#volumes, agents, ...shared }, id, options);
  }

  async stop(id: string, options: DeadlineOptions & { readonly graceMs?: number } = {}): Promise<void> {
    const grace = Math.ceil((options.graceMs ?? 2_000) / 1000);
    await change(await this.#api(options), "stop", id, { t: grace }, options);
  }

  async kill(id: string, options: DeadlineOptions = {}): Promise<void> {
    await change(await this.#api(options), "kill", id, {}, options);
  }

  async pause(id: string, options: DeadlineOptions = {}): Promise<void> {
    await change(await this.#api(options), "pause", id, {}, options);
  }

  async unpause(id: string, options: DeadlineOptions = {}): Promise<void> {
    await change(await this.#api(options), "unpause", id, {}, options);
  }

  async remove(id: string, options: DeadlineOptions = {}): Promise<void> {
    await remove(await this.#api(options), this.#clock, id, options);
  }

  async inspect(id: string, options: DeadlineOptions = {}): Promise<ContainerInfo> {
    return containerInfo(await inspectSettled(await this.#api(options), this.#clock, id, options));
  }

  async list(labels: Readonly<Record<string, string>>, options: DeadlineOptions = {}): Promise<ContainerSummary[]> {
    const api = await this.#api(options);
    const filters = { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) };
    const raw = await api.json(
      { doing: "Listing containers", method: "GET", path: "/containers/json", query: { all: true, filters } },
      options,
    );
    return list(raw).map(containerSummary);
  }

  async openStream(id: string, argv: readonly string[], options: DeadlineOptions = {}): Promise<ByteStream> {
    return await openStream(await this.#api(options), this.#clock, id, argv, options);
  }

  async *logs(id: string, options: LogOptions = {}): AsyncGenerator<LogChunk, void, undefined> {
    yield* containerLogs(await this.#api({ signal: options.signal }), id, options);
  }

  async stats(id: string, options: DeadlineOptions = {}): Promise<ContainerStats> {
    return await containerStats(await this.#api(options), id, options);
  }

  async *events(
    labels: Readonly<Record<string, string>>,
    options: CallOptions = {},
  ): AsyncGenerator<BackendEvent, void, undefined> {
    yield* containerEvents(await this.#api(options), labels, options);
  }

  async endpoint(
    id: string,
    port: number,
    options: DeadlineOptions & { readonly protocol?: "tcp" | "udp" } = {},
  ): Promise<Endpoint> {
    const info = await this.inspect(id, options);
    return portEndpoint(info, port, options.protocol ?? "tcp", this.#connection.found?.endpoint);
  }

  #api(options: DeadlineOptions): Promise<DockerApi> {
    return this.#connection.reach(options);
  }
}
