import type { DockerBackendOptions } from "@podkit/backend-docker";
import { type CallOptions, EventBus, type ExecResult, requireObject, type SandboxSummary } from "@podkit/core";
import type { Session } from "@podkit/session";
import { ConnectionKeys } from "./connection-key.js";
import { createPodkit, type Podkit, type PodkitOptions, type SessionRequest } from "./podkit.js";
import type { RunOptions } from "./run.js";

/** How Docker is reached; equal options share one connection. */
export interface DockerAccess {
  readonly docker?: DockerBackendOptions | undefined;
}

/** What the one-line functions share: one lazily made {@link Podkit} per distinct connection options. */
export class SharedPodkit implements AsyncDisposable {
  /** Events of all instances. */
  readonly events = new EventBus();
  /** Listens to one kind of event, or to all with `*`. Gives back a function that lets go. */
  readonly on: EventBus["on"] = this.events.on.bind(this.events);
  readonly #keys = new ConnectionKeys();
  readonly #instances = new Map<string, Podkit>();
  readonly #create: (options: PodkitOptions) => Podkit;

  constructor(options: { readonly create?: (options: PodkitOptions) => Podkit } = {}) {
    this.#create = options.create ?? createPodkit;
  }

  /** The instance for these connection options, made where there is none yet. */
  instance({ docker }: DockerAccess = {}): Podkit {
    const key = this.#keys.key(docker);
    const there = this.#instances.get(key);
    if (there !== undefined) return there;
    const made = this.#create({ docker, events: this.events });
    this.#instances.set(key, made);
    return made;
  }

  /** All sessions of the prefix, running or not. */
  list(options: DockerAccess & CallOptions & { readonly prefix?: string | undefined } = {}): Promise<SandboxSummary[]> {
    const { docker, ...rest } = options;
    return this.instance({ docker }).list(rest);
  }

  /** Lets go of all connections; removes nothing. The next call of a one-line function connects anew. */
  async shutdown(): Promise<void> {
    const all = [...this.#instances.values()];
    this.#instances.clear();
    await Promise.all(all.map((instance) => instance.shutdown()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

/** What `getDockerSession` and `runInDocker` share in this program. */
export const podkit = new SharedPodkit();

/**
 * Makes the session of these ids on Docker, or continues it with its files, whether another program made it, it stopped by itself or is
 * paused. Its container runs when this settles.
 *
 * An abort rejects at once, and what was half made is removed.
 * @throws `invalid_argument` before anything is made; `conflict` where it is there with another configuration than `config` asks for
 * (unless `onConfigMismatch` says else); `unavailable` where Docker does not answer.
 */
export async function getDockerSession(request: SessionRequest & DockerAccess): Promise<Session> {
  requireObject("request", request);
  const { docker, ...rest } = request;
  return podkit.instance({ docker }).getSession(rest);
}

/** As with text below, and gives output as bytes. */
export function runInDocker(
  command: string | readonly string[],
  options: RunOptions & DockerAccess & { readonly encoding: "buffer" },
): Promise<ExecResult<Uint8Array>>;
/**
 * Runs one command in a Docker container of its own: files are put in first, and everything is removed afterwards, also after an
 * error, a timeout, an abort (which rejects once that is done) or Ctrl-C. A program that is killed leaves a container that the engine
 * removes after its rest.
 * @throws as `getDockerSession` and `Session.executeCommand`.
 */
export function runInDocker(
  command: string | readonly string[],
  options?: RunOptions & DockerAccess,
): Promise<ExecResult<string>>;
export async function runInDocker(
  command: string | readonly string[],
  options: RunOptions & DockerAccess = {},
): Promise<ExecResult<string | Uint8Array>> {
  requireObject("options", options);
  const { docker, ...rest } = options;
  return podkit.instance({ docker }).run(command, rest);
}
