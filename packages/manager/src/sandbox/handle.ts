import { ENGINE_TIMEOUT_MS, type ExecExit, type ExecHandle, PodkitError, type TerminalSize } from "@podkit/core";
import type { Lease } from "../connection.js";
import { facts } from "../core.js";
import { asPodkitError } from "../create/reach.js";
import { type Current, replacedError } from "./current.js";

/** A command, bound to the container that it was started in. */
export class BoundHandle implements ExecHandle {
  readonly #handle: ExecHandle;
  readonly #lease: Lease;
  readonly #current: Current;
  #ending: Promise<ExecExit> | undefined;

  constructor(handle: ExecHandle, lease: Lease, current: Current) {
    this.#handle = handle;
    this.#lease = lease;
    this.#current = current;
  }

  get pid(): number {
    return this.#handle.pid;
  }

  writeStdin(chunk: Uint8Array): Promise<void> {
    return this.#bound(() => this.#handle.writeStdin(chunk));
  }

  closeStdin(): Promise<void> {
    return this.#bound(() => this.#handle.closeStdin());
  }

  kill(signal?: string): Promise<void> {
    return this.#bound(() => this.#handle.kill(signal));
  }

  resize(size: TerminalSize): Promise<void> {
    return this.#bound(() => this.#handle.resize(size));
  }

  wait(): Promise<ExecExit> {
    this.#ending ??= this.#handle.wait();
    return this.#ending.catch((error: unknown) => this.#failed(error));
  }

  async #bound<T>(work: () => Promise<T>): Promise<T> {
    const { name } = this.#current.options;
    if (this.#current.containerId !== this.#lease.containerId) throw replacedError("The command", name);
    try {
      return await work();
    } catch (error) {
      return await this.#failed(error);
    }
  }

  async #failed(error: unknown): Promise<never> {
    if (PodkitError.is(error) && error.details["reason"] === "tree_alive") throw await this.#endContainer(error);
    const { name } = this.#current.options;
    if (!this.#lease.alive && (await this.#current.isReplaced(this.#lease.containerId))) {
      throw replacedError("The command", name, error);
    }
    throw error;
  }

  /** Only the engine can end what the agent could not. */
  async #endContainer(cause: PodkitError): Promise<PodkitError> {
    const { core, name } = this.#current.options;
    const { containerId } = this.#lease;
    let what = "so the container was ended";
    try {
      await core.backend.kill(containerId, { timeoutMs: ENGINE_TIMEOUT_MS });
      core.connections.drop(containerId);
      core.events.emit({ type: "container.stopped", ...facts(core, this.#current.options, containerId) });
    } catch (error) {
      core.events.emit({
        type: "container.stopFailed",
        ...facts(core, this.#current.options, containerId),
        error: asPodkitError(error),
      });
      what = "and the container could not be ended either";
    }
    return new PodkitError(
      "internal",
      `Processes of a command in ${name} could not be ended, ${what}. The next call starts it again with its files.`,
      { cause, details: { reason: "tree_alive", containerName: name } },
    );
  }
}
