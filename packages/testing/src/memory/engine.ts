import {
  abortedError,
  type BackendEvent,
  type Clock,
  type ContainerSpec,
  type ContainerSummary,
  type ImageInfo,
  type ImageRequest,
  PodkitError,
  systemClock,
} from "@podkit/core";
import { MemoryContainer } from "./container.js";
import { type MemoryImage, memoryImages } from "./images.js";
import { Queue } from "./queue.js";

interface Watcher {
  readonly labels: Readonly<Record<string, string>>;
  readonly queue: Queue<BackendEvent>;
}

/** What memory backends share: the containers and images of one fake engine. */
export class MemoryEngine {
  readonly #clock: Clock;
  readonly #images: ReadonlyMap<string, MemoryImage>;
  readonly #pulled = new Set<string>();
  readonly #containers = new Map<string, MemoryContainer>();
  readonly #watchers = new Set<Watcher>();

  constructor(options: { readonly clock?: Clock; readonly images?: ReadonlyMap<string, MemoryImage> } = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#images = options.images ?? memoryImages();
  }

  /** @throws `not_found` naming the image. */
  image(name: string): MemoryImage {
    const found = this.#images.get(name);
    if (found !== undefined && (found.pullMs === undefined || this.#pulled.has(name))) return found;
    throw new PodkitError("not_found", `The image ${name} is not there; pull it, or take another one.`, {
      details: { image: name },
    });
  }

  async ensureImage({ image, pullPolicy }: ImageRequest): Promise<ImageInfo> {
    const { pullMs } = this.#images.get(image) ?? {};
    if (pullMs !== undefined && !this.#pulled.has(image) && pullPolicy !== "never") {
      await new Promise<void>((resolve) => this.#clock.after(pullMs, resolve, { hold: true }));
      this.#pulled.add(image);
    }
    return this.image(image).info;
  }

  /** @throws `already_exists` where the name is taken. */
  create(spec: ContainerSpec): MemoryContainer {
    if (spec.image === undefined) throw new PodkitError("invalid_argument", "A container needs an image.");
    const image = this.image(spec.image);
    if (this.#lookUp(spec.name) !== undefined) {
      throw new PodkitError("already_exists", `A container named ${spec.name} exists.`);
    }
    const container: MemoryContainer = new MemoryContainer({
      spec,
      image,
      clock: this.#clock,
      onEvent: (event) => this.#happened(spec, event),
    });
    this.#containers.set(container.id, container);
    return container;
  }

  /** By id or name. @throws `not_found`. */
  find(id: string): MemoryContainer {
    const found = this.#lookUp(id);
    if (found === undefined) throw new PodkitError("not_found", `There is no container ${id}.`);
    return found;
  }

  remove(id: string): void {
    const found = this.#lookUp(id);
    if (found === undefined) return;
    found.end(137);
    if (this.#containers.delete(found.id)) found.removed();
  }

  list(labels: Readonly<Record<string, string>>): ContainerSummary[] {
    return [...this.#containers.values()]
      .map((container) => container.info())
      .filter((info) => matches(info.labels, labels))
      .map(({ id, name, state, labels: all, createdAt }) => ({ id, name, state, labels: all, createdAt }));
  }

  async *events(
    labels: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<BackendEvent> {
    const watcher = { labels, queue: new Queue<BackendEvent>() };
    const onAbort = (): void => watcher.queue.close(abortedError("watching events", signal?.reason));
    this.#watchers.add(watcher);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) onAbort();
    try {
      yield* watcher.queue;
    } finally {
      this.#watchers.delete(watcher);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #lookUp(id: string): MemoryContainer | undefined {
    return this.#containers.get(id) ?? [...this.#containers.values()].find(({ spec }) => spec.name === id);
  }

  #happened(spec: ContainerSpec, event: BackendEvent): void {
    for (const { labels, queue } of this.#watchers) if (matches(spec.labels, labels)) queue.push(event);
    if (event.type === "stopped" && spec.autoRemove) this.remove(event.id);
  }
}

function matches(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
