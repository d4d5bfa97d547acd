import { randomBytes } from "node:crypto";
import { type ContainerInfo, type ContainerSpec, type ContainerState, PodkitError, throwIfAborted } from "@podkit/core";

/** One container of the fake engine. */
export interface FakeContainer {
  readonly id: string;
  readonly spec: ContainerSpec;
  state: ContainerState;
  startedAt: number | null;
  finishedAt: number | null;
  exitCode: number | null;
  log: string;
  activity: number;
  readonly onEnd: Set<() => void>;
}

/** What a fake start does beside starting. */
export type OnStart = (container: FakeContainer) => void;

/** A whole engine in memory, shared by any number of backends; it can be told to fail, to wait and to die. */
export class FakeEngine {
  readonly containers = new Map<string, FakeContainer>();
  readonly calls: string[] = [];
  readonly workingImages = new Set(["python:3.11-alpine", "app:1"]);
  readonly takenPorts = new Set<number>();
  readonly networks = new Set(["bridge", "net-a"]);
  onStart: OnStart = () => undefined;
  /** Called when an agent shook hands. */
  onConnected: OnStart = () => undefined;
  down = false;
  creates = 0;
  agents = 0;
  readonly #failures = new Map<string, (() => PodkitError | undefined)[]>();
  readonly #holds = new Map<string, Promise<void>>();

  /** Lets the next call of `method` fail; with `undefined` it passes, so that a later one can be told to fail. */
  fail(method: string, make: () => PodkitError | undefined): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), make]);
  }

  /** Lets all calls of `method` wait until the function that it gives back is called. */
  hold(method: string): () => void {
    let release: () => void = () => undefined;
    this.#holds.set(
      method,
      new Promise((resolve) => {
        release = () => {
          this.#holds.delete(method);
          resolve();
        };
      }),
    );
    return release;
  }

  /** Every call of every backend comes through here. */
  async enter(method: string, id: string, signal: AbortSignal | undefined): Promise<void> {
    this.calls.push(`${method} ${id.slice(0, 24)}`);
    throwIfAborted(method, signal);
    await new Promise((resolve) => setImmediate(resolve));
    const hold = this.#holds.get(method);
    if (hold !== undefined) await Promise.race([hold, aborted(signal)]);
    throwIfAborted(method, signal);
    if (this.down) throw new PodkitError("unavailable", "The fake engine is down.");
    const failure = this.#failures.get(method)?.shift()?.();
    if (failure !== undefined) throw failure;
  }

  get(id: string): FakeContainer {
    const found = [...this.containers.values()].find(
      (entry) => entry.spec.name === id || (id.length >= 12 && entry.id.startsWith(id)),
    );
    if (found === undefined) throw new PodkitError("not_found", `There is no container ${id}.`);
    return found;
  }

  create(spec: ContainerSpec): FakeContainer {
    if ([...this.containers.values()].some((other) => other.spec.name === spec.name)) {
      throw new PodkitError("already_exists", `The name ${spec.name} is taken.`);
    }
    for (const network of spec.networks) {
      if (!this.networks.has(network)) throw new PodkitError("not_found", `There is no network ${network}.`);
    }
    const id = randomBytes(32).toString("hex");
    const made: FakeContainer = {
      id,
      spec,
      state: "created",
      startedAt: null,
      finishedAt: null,
      exitCode: null,
      log: "",
      activity: 0,
      onEnd: new Set(),
    };
    this.containers.set(id, made);
    this.creates += 1;
    return made;
  }

  start(container: FakeContainer): void {
    if (container.state === "running") return;
    for (const { host } of container.spec.ports) {
      if (!this.takenPorts.has(host)) continue;
      throw new PodkitError("conflict", `Port ${host} is taken.`, { details: { reason: "port_taken", port: host } });
    }
    container.state = "running";
    container.startedAt = Date.now();
    container.activity = 0;
    this.onStart(container);
  }

  end(container: FakeContainer, exitCode: number): void {
    if (container.state !== "running" && container.state !== "paused") return;
    container.state = "stopped";
    container.finishedAt = Date.now();
    container.exitCode = exitCode;
    for (const listener of [...container.onEnd]) listener();
    if (container.spec.autoRemove) this.containers.delete(container.id);
  }

  remove(id: string): void {
    const container = this.get(id);
    this.end(container, 137);
    this.containers.delete(container.id);
  }

  info({ id, spec, state, startedAt, finishedAt, exitCode }: FakeContainer): ContainerInfo {
    return {
      id,
      name: spec.name,
      state,
      labels: spec.labels,
      createdAt: 1,
      image: spec.image ?? "",
      startedAt,
      finishedAt,
      exitCode,
      error: "",
      ports: spec.ports,
      limits: {
        cpus: spec.limits.cpus ?? null,
        memoryBytes: spec.limits.memoryBytes ?? null,
        pids: spec.limits.pids ?? null,
      },
      networks: Object.fromEntries(
        (spec.networks.length === 0 ? ["bridge"] : spec.networks).map((name) => [name, null]),
      ),
    };
  }
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    else signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
