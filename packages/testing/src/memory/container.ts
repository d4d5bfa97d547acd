import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import type { AgentInit } from "@podkit/agent";
import {
  AGENT_PATH,
  type BackendEvent,
  type ByteStream,
  type Clock,
  type ContainerInfo,
  type ContainerSpec,
  type ContainerState,
  type LogChunk,
  PodkitError,
} from "@podkit/core";
import { FakeAgent } from "./agent/agent.js";
import { number, parseFields, text, texts } from "./agent/json.js";
import { FakeProcess, type World } from "./agent/process.js";
import { FileTree } from "./agent/tree.js";
import type { MemoryImage } from "./images.js";
import { LogBook } from "./logs.js";
import { createPair } from "./pair.js";
import { Queue } from "./queue.js";

/** One container of the fake engine. */
export class MemoryContainer {
  readonly id = randomBytes(32).toString("hex");
  readonly spec: ContainerSpec;
  readonly logs = new LogBook();
  readonly #image: MemoryImage;
  readonly #clock: Clock;
  readonly #files: FileTree;
  readonly #onEvent: (event: BackendEvent) => void;
  readonly #createdAt: number;
  #state: ContainerState = "created";
  #startedAt: number | null = null;
  #finishedAt: number | null = null;
  #exitCode: number | null = null;
  #agent: FakeAgent | undefined;
  #program: FakeProcess | undefined;
  #pids = 0;
  #nextPid = 2;
  #run = 0;

  constructor(options: {
    spec: ContainerSpec;
    image: MemoryImage;
    clock: Clock;
    onEvent: (event: BackendEvent) => void;
  }) {
    this.spec = options.spec;
    this.#image = options.image;
    this.#clock = options.clock;
    this.#onEvent = options.onEvent;
    this.#createdAt = options.clock.now();
    this.#files = new FileTree(() => options.clock.now());
    this.#tell("created");
  }

  get running(): boolean {
    return this.#state === "running";
  }

  info(): ContainerInfo {
    const { name, labels, image = "", limits } = this.spec;
    const running = this.running;
    return {
      id: this.id,
      name,
      state: this.#state,
      labels,
      createdAt: this.#createdAt,
      image,
      startedAt: this.#startedAt,
      finishedAt: running ? null : this.#finishedAt,
      exitCode: running ? null : this.#exitCode,
      error: "",
      ports: [],
      limits: { cpus: null, memoryBytes: null, pids: limits.pids ?? null },
      networks: {},
    };
  }

  start(): void {
    if (this.running) return;
    this.#state = "running";
    this.#startedAt = this.#clock.now();
    this.#run += 1;
    this.logs.open();
    this.#tell("started");
    const [program, verb, json] = this.spec.argv;
    if (program === AGENT_PATH && verb === "init") this.#startAgent(readInit(json ?? ""));
    else this.#startProgram(this.spec.argv, this.#world(this.#image.info.workingDir || "/"));
  }

  /** Ends it with a code, as if PID 1 had ended; stopped already is fine. */
  end(exitCode: number): void {
    if (!this.running) return;
    this.#state = "stopped";
    this.#finishedAt = this.#clock.now();
    this.#exitCode = exitCode;
    this.#program?.kill("KILL");
    this.#agent?.destroy();
    this.#program = undefined;
    this.#agent = undefined;
    this.logs.close();
    this.#tell("stopped", exitCode);
  }

  removed(): void {
    this.#tell("removed");
  }

  /** A stream to the agent (`connect`), or to a fake program. */
  openStream(argv: readonly string[]): ByteStream {
    if (!this.running) {
      throw new PodkitError("invalid_state", `The container ${this.spec.name} does not run; start it first.`);
    }
    const [ours, theirs] = createPair();
    if (argv[0] === AGENT_PATH && argv[1] === "connect") this.#connect(ours, theirs, argv);
    else this.#serveProgram(ours, theirs, argv);
    return theirs;
  }

  #connect(socket: Duplex, other: Duplex, argv: readonly string[]): void {
    const start = argv.indexOf("--start");
    if (this.#agent === undefined && start >= 0) this.#startAgent(readInit(argv[start + 1] ?? ""));
    if (this.#agent === undefined) other.destroy(new PodkitError("unavailable", "no agent runs in the container."));
    else this.#agent.accept(socket);
  }

  #serveProgram(socket: Duplex, other: Duplex, argv: readonly string[]): void {
    let complaint = "";
    const process = new FakeProcess(this.#world("/"), {
      argv,
      cwd: "/",
      env: this.#env(),
      stdin: socket,
      out: async (bytes) => void socket.write(bytes),
      err: async (bytes) => {
        complaint += Buffer.from(bytes).toString();
      },
    });
    void process.ended.then(({ exitCode }) => {
      if (exitCode === 0) socket.end();
      else other.destroy(new PodkitError("unavailable", `${argv[0]} ended with ${exitCode}: ${complaint.trim()}`));
    });
  }

  #startAgent(init: AgentInit): void {
    const world = this.#world(init.workingDir);
    this.#files.mkdir(init.workingDir, true);
    const run = this.#run;
    this.#agent = new FakeAgent({ world, init, onEnd: (code) => run === this.#run && this.end(code) });
    if (init.program !== null) this.#startProgram(init.program, world);
  }

  #startProgram(argv: readonly string[], world: World): void {
    const log = (stream: LogChunk["stream"]) => async (data: Uint8Array) => this.logs.add({ stream, data });
    const stdin = new Queue<Uint8Array>();
    stdin.close();
    const run = this.#run;
    const program = new FakeProcess(world, {
      argv,
      cwd: world.workingDir,
      env: world.env,
      stdin,
      out: log("stdout"),
      err: log("stderr"),
    });
    this.#program = program;
    void program.ended.then(({ exitCode }) => run === this.#run && this.end(exitCode ?? 137));
  }

  #env(): Readonly<Record<string, string>> {
    const own = Object.entries(this.spec.environment).filter(([name]) => !name.startsWith("PODKIT_"));
    return { PATH: "/bin", HOME: "/root", ...this.#image.info.environment, ...Object.fromEntries(own) };
  }

  #world(workingDir: string): World {
    return {
      programs: this.#image.programs,
      files: this.#files,
      env: this.#env(),
      clock: this.#clock,
      workingDir,
      takePid: () => this.#takePid(),
    };
  }

  #takePid(): { pid: number; release(): void } {
    const limit = this.spec.limits.pids;
    // PID 1 takes a place too.
    if (limit !== undefined && this.#pids + 1 >= limit) {
      throw new PodkitError("resource_exhausted", `the container's limit of ${limit} processes is reached.`);
    }
    this.#pids += 1;
    let held = true;
    const release = (): void => {
      if (held) this.#pids -= 1;
      held = false;
    };
    return { pid: this.#nextPid++, release };
  }

  #tell(type: BackendEvent["type"], exitCode?: number): void {
    const event = { type, id: this.id, name: this.spec.name, at: this.#clock.now() };
    this.#onEvent(exitCode === undefined ? event : { ...event, exitCode });
  }
}

function readInit(json: string): AgentInit {
  const fields = parseFields(json);
  return {
    lifetimeMs: number(fields, "lifetimeMs") ?? null,
    maxLifetimeMs: number(fields, "maxLifetimeMs") ?? null,
    user: text(fields, "user") ?? null,
    workingDir: text(fields, "workingDir") ?? "/",
    program: texts(fields, "program") ?? null,
    programStopSignal: text(fields, "programStopSignal") ?? null,
  };
}
