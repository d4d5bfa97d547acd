import {
  type AgentSource,
  abortedError,
  type Backend,
  type BackendEvent,
  type ByteStream,
  type CallOptions,
  type Capabilities,
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
  type LogOptions,
  PodkitError,
  throwIfAborted,
} from "@podkit/core";
import { MEMORY_CAPABILITIES, refuseUnsupported } from "./capabilities.js";
import { MemoryEngine } from "./engine.js";

/** What a memory backend is made of. */
export interface MemoryBackendOptions {
  /** Backends with the same engine see the same containers. Default: an engine of its own. */
  readonly engine?: MemoryEngine;
}

/** A backend without an engine: containers are objects, and the agent in them is a fake that speaks the real protocol. */
export function createMemoryBackend(options: MemoryBackendOptions = {}): Backend {
  return new MemoryBackend(options.engine ?? new MemoryEngine());
}

class MemoryBackend implements Backend {
  readonly specVersion = 1;
  readonly name = "memory";
  readonly #engine: MemoryEngine;
  #connected = false;

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
  }

  get capabilities(): Capabilities {
    if (this.#connected) return MEMORY_CAPABILITIES;
    throw new PodkitError("invalid_state", "The backend is not connected yet: await connect() first.");
  }

  async connect(): Promise<EngineInfo> {
    this.#connected = true;
    return { name: "memory", version: "1", platform: "linux/amd64", endpoint: "memory:", local: true };
  }

  async close(): Promise<void> {}

  ensureImage(request: ImageRequest, options: CallOptions = {}): Promise<ImageInfo> {
    return this.#do("the pull", options, () => this.#engine.ensureImage(request));
  }

  inspectImage(image: string, options: DeadlineOptions = {}): Promise<ImageInfo> {
    return this.#do("the look at an image", options, async () => this.#engine.image(image).info);
  }

  create(spec: ContainerSpec, _agent: AgentSource, options: DeadlineOptions = {}): Promise<ContainerInfo> {
    return this.#do("the creation", options, async () => {
      refuseUnsupported(spec, this.capabilities);
      return this.#engine.create(spec).info();
    });
  }

  start(id: string, options: DeadlineOptions = {}): Promise<void> {
    return this.#do("the start", options, async () => this.#engine.find(id).start());
  }

  stop(id: string, options: DeadlineOptions = {}): Promise<void> {
    return this.#do("the stop", options, async () => this.#engine.find(id).end(143));
  }

  kill(id: string, options: DeadlineOptions = {}): Promise<void> {
    return this.#do("the kill", options, async () => this.#engine.find(id).end(137));
  }

  async pause(): Promise<void> {
    throw new PodkitError("unsupported", "The in-memory engine has no pause.", { details: { capability: "pause" } });
  }

  async unpause(): Promise<void> {
    throw new PodkitError("unsupported", "The in-memory engine has no pause.", { details: { capability: "pause" } });
  }

  remove(id: string, options: DeadlineOptions = {}): Promise<void> {
    return this.#do("the removal", options, async () => this.#engine.remove(id));
  }

  inspect(id: string, options: DeadlineOptions = {}): Promise<ContainerInfo> {
    return this.#do("the look at a container", options, async () => this.#engine.find(id).info());
  }

  list(labels: Readonly<Record<string, string>>, options: DeadlineOptions = {}): Promise<ContainerSummary[]> {
    return this.#do("the list", options, async () => this.#engine.list(labels));
  }

  async *logs(id: string, options: LogOptions = {}): AsyncGenerator<LogChunk> {
    throwIfAborted("reading logs", options.signal);
    yield* this.#engine.find(id).logs.read(options);
    throwIfAborted("reading logs", options.signal);
  }

  async stats(): Promise<ContainerStats> {
    throw new PodkitError("unsupported", "The in-memory engine has no stats.", { details: { capability: "stats" } });
  }

  events(labels: Readonly<Record<string, string>>, options: CallOptions = {}): AsyncIterable<BackendEvent> {
    return this.#engine.events(labels, options.signal);
  }

  openStream(id: string, argv: readonly string[], options: DeadlineOptions = {}): Promise<ByteStream> {
    return this.#do("opening a stream", options, async () => this.#engine.find(id).openStream(argv));
  }

  async endpoint(id: string, port: number): Promise<Endpoint> {
    this.#engine.find(id);
    throw new PodkitError("not_found", `Port ${port} is not published: the in-memory engine publishes none.`);
  }

  async #do<T>(doing: string, options: DeadlineOptions, work: () => Promise<T>): Promise<T> {
    const { signal } = options;
    throwIfAborted(doing, signal);
    if (signal === undefined) return work();
    let onAbort = (): void => undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(abortedError(doing, signal.reason));
    });
    signal.addEventListener("abort", onAbort);
    try {
      return await Promise.race([work(), aborted]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}
