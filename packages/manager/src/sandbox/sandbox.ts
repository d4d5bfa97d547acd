import {
  type CallOptions,
  ENGINE_TIMEOUT_MS,
  type Endpoint,
  type ExecHandle,
  type ExecSinks,
  type ExecSpec,
  type FileSystem,
  type Identity,
  type ListeningPort,
  type LogChunk,
  type LogOptions,
  PodkitError,
  type ProcessTable,
  type Sandbox,
  type SandboxInfo,
  throwIfAborted,
} from "@podkit/core";
import type { Current } from "./current.js";
import { HealingFiles } from "./files.js";
import { BoundHandle } from "./handle.js";
import { sandboxInfo } from "./info.js";
import { pauseSandbox, removeSandbox, resumeSandbox, stopSandbox } from "./power.js";
import { HealingProcesses } from "./processes.js";

/** The container of an identity, whichever that is at the moment; see core's `Sandbox`. */
export class ManagedSandbox implements Sandbox {
  readonly identity: Identity;
  readonly files: FileSystem;
  readonly processes: ProcessTable;
  readonly #current: Current;

  constructor(current: Current) {
    this.#current = current;
    this.identity = current.options.identity;
    this.files = new HealingFiles(current);
    this.processes = new HealingProcesses(current);
  }

  info(options: CallOptions = {}): Promise<SandboxInfo> {
    return sandboxInfo(this.#current, options);
  }

  async exec(spec: ExecSpec, sinks: ExecSinks, options: CallOptions = {}): Promise<ExecHandle> {
    throwIfAborted("Running a command", options.signal);
    return await this.#current.use(options, async (lease) => {
      const handle = await lease.agent.exec(spec, sinks, options);
      return new BoundHandle(handle, lease, this.#current);
    });
  }

  listPorts(options: CallOptions = {}): Promise<ListeningPort[]> {
    return this.#current.use(options, ({ agent }) => agent.listPorts(options));
  }

  async endpoint(port: number, options: CallOptions & { readonly protocol?: "tcp" | "udp" } = {}): Promise<Endpoint> {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new PodkitError("invalid_argument", `${String(port)} is no port: it takes 1 to 65535.`, {
        details: { field: "port" },
      });
    }
    const { containerId } = await this.#current.ready(options);
    return await this.#current.options.core.backend.endpoint(containerId, port, {
      ...options,
      timeoutMs: ENGINE_TIMEOUT_MS,
    });
  }

  async *logs(options: LogOptions = {}): AsyncGenerator<LogChunk, void, undefined> {
    const { core, name } = this.#current.options;
    const info = await this.#current.inspect(options.signal === undefined ? {} : { signal: options.signal });
    if (info === null) {
      throw new PodkitError("not_found", `Container ${name} is gone, and its log with it.`, {
        details: { containerName: name },
      });
    }
    yield* core.backend.logs(info.id, options);
  }

  stop(options: CallOptions = {}): Promise<void> {
    return stopSandbox(this.#current, options);
  }

  pause(options: CallOptions = {}): Promise<void> {
    return pauseSandbox(this.#current, options);
  }

  resume(options: CallOptions = {}): Promise<void> {
    return resumeSandbox(this.#current, options);
  }

  remove(options: CallOptions = {}): Promise<void> {
    return removeSandbox(this.#current, options);
  }

  async release(): Promise<void> {
    this.#current.release();
  }
}
