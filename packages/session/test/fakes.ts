import {
  EventBus,
  type ExecExit,
  type ExecHandle,
  type ExecSinks,
  type ExecSpec,
  type FileSystem,
  type ListeningPort,
  type OpenRequest,
  PodkitError,
  type PodkitEvent,
  type ProcessTable,
  type Runtime,
  type Sandbox,
  type SandboxInfo,
  type SandboxSummary,
  type SessionId,
} from "@podkit/core";

export const EXIT: ExecExit = {
  exitCode: 0,
  signal: null,
  timedOut: false,
  truncated: false,
  oomKilled: false,
  durationMs: 5,
};

/** What a fake command does: it may write, read its stdin, and ends with what it gives back. */
export type Program = (context: {
  readonly spec: ExecSpec;
  readonly sinks: ExecSinks;
  /** All of stdin, once it was closed. */
  readonly stdin: Promise<Uint8Array>;
  /** Settles where the command is killed. */
  readonly killed: Promise<string>;
}) => Promise<Partial<ExecExit>> | Partial<ExecExit>;

/** A command that runs a {@link Program}. */
export class FakeHandle implements ExecHandle {
  readonly pid = 42;
  readonly kills: string[] = [];
  readonly #stdin: Uint8Array[] = [];
  readonly #exit: Promise<ExecExit>;
  #closed: (bytes: Uint8Array) => void = () => undefined;
  #killed: (signal: string) => void = () => undefined;

  constructor(program: Program, spec: ExecSpec, sinks: ExecSinks) {
    const stdin = new Promise<Uint8Array>((resolve) => {
      this.#closed = resolve;
    });
    const killed = new Promise<string>((resolve) => {
      this.#killed = resolve;
    });
    const ended = killed.then((signal): Partial<ExecExit> => ({ exitCode: null, signal }));
    this.#exit = Promise.race([Promise.resolve(program({ spec, sinks, stdin, killed })), ended]).then((exit) => ({
      ...EXIT,
      ...exit,
    }));
    this.#exit.catch(() => undefined);
  }

  async writeStdin(chunk: Uint8Array): Promise<void> {
    this.#stdin.push(Uint8Array.from(chunk));
  }

  async closeStdin(): Promise<void> {
    this.#closed(Buffer.concat(this.#stdin));
  }

  async kill(signal = "SIGTERM"): Promise<void> {
    this.kills.push(signal);
    this.#killed(signal);
  }

  async resize(): Promise<void> {
    throw new PodkitError("invalid_state", "no terminal");
  }

  wait(): Promise<ExecExit> {
    return this.#exit;
  }
}

function unused(): never {
  throw new Error("this part of the fake is not there");
}

/** Files that a test replaces by what it needs. */
export const noFiles: FileSystem = {
  read: unused,
  write: unused,
  stat: unused,
  list: unused,
  mkdir: unused,
  rename: unused,
  remove: unused,
  readTar: unused,
  writeTar: unused,
  watch: unused,
};

const noProcesses: ProcessTable = {
  start: unused,
  list: unused,
  get: unused,
  logs: unused,
  wait: unused,
  signal: unused,
  stop: unused,
  remove: unused,
};

/** One container, whose parts a test replaces. */
export class FakeSandbox implements Sandbox {
  readonly identity;
  readonly calls: string[] = [];
  readonly handles: FakeHandle[] = [];
  readonly specs: ExecSpec[] = [];
  readonly processes = noProcesses;
  files: FileSystem = noFiles;
  program: Program = () => ({});
  ports: () => ListeningPort[] = () => [];
  removal: () => Promise<void> = async () => undefined;

  constructor(id: SessionId) {
    this.identity = { ...id, prefix: "pt-fake" };
  }

  async exec(spec: ExecSpec, sinks: ExecSinks): Promise<ExecHandle> {
    this.specs.push(spec);
    const handle = new FakeHandle(this.program, spec, sinks);
    this.handles.push(handle);
    return handle;
  }

  async listPorts(): Promise<ListeningPort[]> {
    return this.ports();
  }

  async endpoint(port: number, options: { readonly protocol?: "tcp" | "udp" } = {}) {
    if (port === 99) throw new PodkitError("not_found", "port 99 is not published");
    return { host: options.protocol === "udp" ? "::1" : "127.0.0.1", port: port + 1000 };
  }

  async info(): Promise<SandboxInfo> {
    return unused();
  }

  async *logs() {
    yield { stream: "stdout" as const, data: Buffer.from("log\n") };
  }

  async stop(): Promise<void> {
    this.calls.push("stop");
  }

  async pause(): Promise<void> {
    this.calls.push("pause");
  }

  async resume(): Promise<void> {
    this.calls.push("resume");
  }

  async remove(): Promise<void> {
    this.calls.push("remove");
    await this.removal();
  }

  async release(): Promise<void> {
    this.calls.push("release");
  }
}

/** A runtime that keeps its containers in a map. */
export class FakeRuntime implements Runtime {
  readonly prefix = "pt-fake";
  readonly events = new EventBus();
  readonly seen: PodkitEvent[] = [];
  readonly requests: OpenRequest[] = [];
  readonly sandboxes = new Map<string, FakeSandbox>();
  opening: () => Promise<void> = async () => undefined;
  closed = 0;

  constructor() {
    this.events.on("*", (event) => this.seen.push(event));
  }

  async open(request: OpenRequest): Promise<Sandbox> {
    this.requests.push(request);
    await this.opening();
    const { userId, sessionId } = request;
    const there = this.sandboxes.get(`${userId}/${sessionId}`);
    if (there !== undefined) return there;
    const made = new FakeSandbox({ userId, sessionId });
    this.sandboxes.set(`${userId}/${sessionId}`, made);
    this.events.emit({ type: "container.created", at: 1, userId, sessionId });
    return made;
  }

  async find({ userId, sessionId }: SessionId): Promise<Sandbox | null> {
    return this.sandboxes.get(`${userId}/${sessionId}`) ?? null;
  }

  async list(): Promise<SandboxSummary[]> {
    return [];
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}
