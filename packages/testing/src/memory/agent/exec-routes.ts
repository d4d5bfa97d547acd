import { PodkitError } from "@podkit/core";
import { type ExecRequest, FakeExec } from "./exec.js";
import { FRAME, type Frame, readFrames, readOffset } from "./frames.js";
import { type Call, sendJson, sendNothing } from "./http.js";
import { number, parseFields, text, textRecord, texts } from "./json.js";
import type { World } from "./process.js";

const ID = /^[A-Za-z0-9_-]{8,64}$/;

/** Refuses a user: the fake has but one. */
export function checkUser(user: string | undefined): void {
  if (user === undefined || ["root", "0", "0:0"].includes(user)) return;
  throw new PodkitError("unsupported", `the user ${JSON.stringify(user)} cannot be served: this agent has no users.`);
}

/** The folder that a command starts in. @throws `not_found`. */
export function findFolder(world: World, cwd: string | undefined): string {
  const folder = world.files.resolve(cwd ?? ".", world.workingDir);
  if (!world.files.isFolder(folder)) throw new PodkitError("not_found", `the folder ${folder} does not exist.`);
  return folder;
}

/** argv of a request. @throws `invalid_argument`. */
export function checkArgv(argv: string[] | undefined): string[] {
  if (argv === undefined || argv.length === 0) throw new PodkitError("invalid_argument", "argv is empty.");
  if (argv.some((word) => word.includes("\0"))) throw new PodkitError("invalid_argument", "argv has a NUL.");
  return argv;
}

interface Spec {
  readonly request: ExecRequest;
  readonly stdout: number;
  readonly stderr: number;
}

function readSpec(world: World, frame: Frame | undefined): Spec {
  if (frame?.type !== FRAME.spec) throw new PodkitError("invalid_argument", "the first frame is no SPEC.");
  const fields = parseFields(frame.payload.toString());
  checkUser(text(fields, "user"));
  if (fields["pty"] != null) throw new PodkitError("unsupported", "this agent has no terminals.");
  const request = {
    argv: checkArgv(texts(fields, "argv")),
    cwd: findFolder(world, text(fields, "cwd")),
    env: { ...world.env, ...textRecord(fields, "env") },
    stdin: fields["stdin"] === true,
    timeoutMs: number(fields, "timeoutMs"),
    maxOutputBytes: number(fields, "maxOutputBytes") ?? null,
    graceMs: number(fields, "graceMs") ?? 4_000,
  };
  return { request, stdout: number(fields, "stdout") ?? 0, stderr: number(fields, "stderr") ?? 0 };
}

/** The commands of one fake agent. */
export class ExecRoutes {
  readonly #world: World;
  readonly #onEnd: () => void;
  readonly #execs = new Map<string, FakeExec>();
  readonly #released = new Set<string>();

  constructor(world: World, onEnd: () => void) {
    this.#world = world;
    this.#onEnd = onEnd;
  }

  get running(): number {
    return [...this.#execs.values()].filter((exec) => exec.running).length;
  }

  endAll(): void {
    for (const exec of this.#execs.values()) exec.end();
  }

  async handle(call: Call): Promise<void> {
    const id = call.path[1];
    if (id === undefined) return sendJson(call.stream, { execs: this.#list() });
    if (!ID.test(id))
      throw new PodkitError("invalid_argument", "the id of a command is 8 to 64 letters, digits, _ and -.");
    if (call.method === "DELETE") return this.#delete(id, call);
    await this.#run(id, call);
  }

  #list(): unknown[] {
    return [...this.#execs].map(([id, exec]) => {
      const { pid, argv0, startedAt, attached, running } = exec;
      return { id, pid, argv0, state: running ? "running" : "exited", startedAt, attached };
    });
  }

  #delete(id: string, call: Call): void {
    const exec = this.#execs.get(id);
    if (exec === undefined) throw new PodkitError("not_found", `there is no command ${id}.`);
    exec.end();
    this.#release(id);
    sendNothing(call.stream);
  }

  #release(id: string): void {
    if (this.#execs.delete(id)) this.#released.add(id);
  }

  async #run(id: string, call: Call): Promise<void> {
    const frames = readFrames(call.stream);
    const spec = readSpec(this.#world, (await frames.next()).value ?? undefined);
    const exec = this.#find(id, spec);
    call.stream.respond({ ":status": 200, "content-type": "application/octet-stream" });
    exec.attach(call.stream, { stdout: spec.stdout, stderr: spec.stderr });
    for await (const frame of frames) {
      if (frame.type === FRAME.release) this.#release(id);
      else apply(exec, frame);
    }
  }

  #find(id: string, spec: Spec): FakeExec {
    if (this.#released.has(id)) throw new PodkitError("exec_lost", `the command ${id} was released.`);
    const there = this.#execs.get(id);
    if (there !== undefined) return there;
    if (spec.stdout > 0 || spec.stderr > 0) throw new PodkitError("not_found", `there is no command ${id}.`);
    const exec = new FakeExec(this.#world, spec.request, this.#onEnd);
    this.#execs.set(id, exec);
    return exec;
  }
}

/** Does what a frame of the client asks. */
function apply(exec: FakeExec, frame: Frame): void {
  switch (frame.type) {
    case FRAME.stdin:
      if (!exec.input(readOffset(frame.payload), frame.payload.subarray(8))) {
        throw new PodkitError("invalid_argument", "bytes of stdin are missing.");
      }
      return;
    case FRAME.stdinEof:
      exec.inputEnd();
      return;
    case FRAME.ack:
      exec.acknowledge(readOffset(frame.payload), readOffset(frame.payload, 8));
      return;
    case FRAME.signal:
      exec.signal(text(parseFields(frame.payload.toString()), "signal") ?? "TERM");
      return;
    case FRAME.cancel:
      exec.end(true);
      return;
    default:
      throw new PodkitError("invalid_argument", `a frame of type ${frame.type} has no meaning here.`);
  }
}
