import { PassThrough } from "node:stream";
import {
  type Backend,
  type ByteStream,
  type Capabilities,
  type ContainerInfo,
  type ContainerSpec,
  type ContainerSummary,
  type DeadlineOptions,
  type EngineInfo,
  type ImageInfo,
  type ImageRequest,
  type LogChunk,
  PodkitError,
} from "@podkit/core";
import type { FakeEngine } from "./engine.js";

export const ALL_CAPABILITIES: Capabilities = {
  images: true,
  imageInspect: true,
  pause: true,
  restart: true,
  anyUser: true,
  cpuLimit: true,
  memoryLimit: true,
  pidsLimit: true,
  diskLimit: true,
  shmSize: true,
  tmpfs: true,
  ulimits: true,
  gpus: true,
  dns: true,
  extraHosts: true,
  runtimes: ["runc"],
  readOnlyRootfs: true,
  bindMounts: true,
  namedVolumes: true,
  publishPorts: true,
  udpPorts: true,
  networks: true,
  networkModes: ["none", "internal", "host"],
  capabilityChanges: true,
  noNewPrivileges: true,
  autoRemove: true,
  stats: true,
  events: true,
};

export const IMAGE: ImageInfo = {
  id: "sha256:1",
  platform: "linux/amd64",
  user: "app",
  entrypoint: ["/entry"],
  command: ["serve"],
  environment: {},
  workingDir: "/",
  stopSignal: "SIGQUIT",
};

/** A backend on a fake engine. */
export class FakeBackend implements Backend {
  readonly specVersion = 1;
  readonly name = "fake";
  capabilities: Capabilities = ALL_CAPABILITIES;
  readonly #engine: FakeEngine;

  constructor(engine: FakeEngine) {
    this.#engine = engine;
  }

  async connect(): Promise<EngineInfo> {
    return { name: "fake", version: "1", platform: "linux/amd64", endpoint: "memory", local: false };
  }

  async close(): Promise<void> {}

  async ensureImage(
    request: ImageRequest,
    options: {
      signal?: AbortSignal | undefined;
      onProgress?: (progress: { image: string; status: string }) => void;
    } = {},
  ): Promise<ImageInfo> {
    await this.#engine.enter("ensureImage", request.image, options.signal);
    if (!this.#engine.workingImages.has(request.image)) {
      options.onProgress?.({ image: request.image, status: "Pulling" });
      throw new PodkitError("not_found", `There is no image ${request.image}.`);
    }
    return IMAGE;
  }

  inspectImage(): Promise<ImageInfo> {
    return Promise.resolve(IMAGE);
  }

  async create(spec: ContainerSpec, _: unknown, options: DeadlineOptions = {}): Promise<ContainerInfo> {
    await this.#engine.enter("create", spec.name, options.signal);
    return this.#engine.info(this.#engine.create(spec));
  }

  async start(id: string, options: DeadlineOptions = {}): Promise<void> {
    await this.#engine.enter("start", id, options.signal);
    this.#engine.start(this.#engine.get(id));
  }

  async stop(id: string, options: DeadlineOptions = {}): Promise<void> {
    await this.#engine.enter("stop", id, options.signal);
    this.#engine.end(this.#engine.get(id), 143);
  }

  async kill(id: string, options: DeadlineOptions = {}): Promise<void> {
    await this.#engine.enter("kill", id, options.signal);
    this.#engine.end(this.#engine.get(id), 137);
  }

  async pause(id: string, options: DeadlineOptions = {}): Promise<void> {
    await this.#engine.enter("pause", id, options.signal);
    this.#engine.get(id).state = "paused";
  }

  async unpause(id: string, options: DeadlineOptions = {}): Promise<void> {
    await this.#engine.enter("unpause", id, options.signal);
    const container = this.#engine.get(id);
    if (container.state === "paused") container.state = "running";
  }

  async remove(id: string, options: DeadlineOptions = {}): Promise<void> {
    await this.#engine.enter("remove", id, options.signal);
    try {
      this.#engine.remove(id);
    } catch (error) {
      if (!PodkitError.is(error, "not_found")) throw error;
    }
  }

  async inspect(id: string, options: DeadlineOptions = {}): Promise<ContainerInfo> {
    await this.#engine.enter("inspect", id, options.signal);
    return this.#engine.info(this.#engine.get(id));
  }

  async list(labels: Readonly<Record<string, string>>, options: DeadlineOptions = {}): Promise<ContainerSummary[]> {
    await this.#engine.enter("list", "", options.signal);
    const all = [...this.#engine.containers.values()].map((container) => this.#engine.info(container));
    return all.filter((info) => Object.entries(labels).every(([name, value]) => info.labels[name] === value));
  }

  async *logs(id: string): AsyncGenerator<LogChunk> {
    await this.#engine.enter("logs", id, undefined);
    yield { stream: "stderr", data: Buffer.from(this.#engine.get(id).log) };
  }

  stats(): Promise<never> {
    return Promise.reject(new PodkitError("unsupported", "no stats"));
  }

  async *events(): AsyncGenerator<never> {}

  async openStream(id: string, argv: readonly string[], options: DeadlineOptions = {}): Promise<ByteStream> {
    await this.#engine.enter("openStream", id, options.signal);
    const container = this.#engine.get(id);
    if (container.state !== "running") {
      throw new PodkitError("invalid_state", `Container ${id} is ${container.state}.`, { details: { argv } });
    }
    return Object.assign(new PassThrough(), {
      containerId: container.id,
      ref: () => undefined,
      unref: () => undefined,
    });
  }

  async endpoint(id: string, port: number): Promise<{ host: string; port: number }> {
    await this.#engine.enter("endpoint", id, undefined);
    const found = this.#engine.get(id).spec.ports.find((entry) => entry.container === port);
    if (found === undefined) throw new PodkitError("not_found", `Port ${port} was not published.`);
    return { host: found.address, port: found.host };
  }
}
