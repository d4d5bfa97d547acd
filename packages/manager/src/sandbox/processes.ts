import type { CallOptions, ProcessInfo, ProcessLogOptions, ProcessSpec, ProcessTable } from "@podkit/core";
import type { Current } from "./current.js";
import { streamFrom } from "./streams.js";

/** Background processes of whichever container the identity has at the moment. */
export class HealingProcesses implements ProcessTable {
  readonly #current: Current;

  constructor(current: Current) {
    this.#current = current;
  }

  start(spec: ProcessSpec, options: CallOptions = {}): Promise<ProcessInfo> {
    return this.#current.use(options, ({ agent }) => agent.processes.start(spec, options));
  }

  list(options: CallOptions = {}): Promise<ProcessInfo[]> {
    return this.#current.use(options, ({ agent }) => agent.processes.list(options));
  }

  get(id: string, options: CallOptions = {}): Promise<ProcessInfo> {
    return this.#current.use(options, ({ agent }) => agent.processes.get(id, options));
  }

  logs(id: string, options: ProcessLogOptions = {}): AsyncIterable<Uint8Array> {
    return streamFrom(this.#current, "The process's log", options, ({ agent }) => agent.processes.logs(id, options));
  }

  wait(id: string, options: CallOptions = {}): Promise<ProcessInfo> {
    return this.#current.use(options, ({ agent }) => agent.processes.wait(id, options));
  }

  signal(
    id: string,
    signal: string,
    options: CallOptions & { readonly tree?: boolean | undefined } = {},
  ): Promise<void> {
    return this.#current.use(options, ({ agent }) => agent.processes.signal(id, signal, options), false);
  }

  stop(id: string, options: CallOptions & { readonly graceMs?: number | undefined } = {}): Promise<ProcessInfo> {
    return this.#current.use(options, ({ agent }) => agent.processes.stop(id, options), false);
  }

  remove(id: string, options: CallOptions = {}): Promise<void> {
    return this.#current.use(options, ({ agent }) => agent.processes.remove(id, options), false);
  }
}
