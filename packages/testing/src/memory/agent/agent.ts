import { randomBytes } from "node:crypto";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { AGENT_EXIT, AGENT_VERSION, type AgentInit } from "@podkit/agent";
import { PodkitError, type Timer } from "@podkit/core";
import { ExecRoutes } from "./exec-routes.js";
import { handleFiles } from "./file-routes.js";
import { type Call, readCall, sendError, sendJson, sendNothing } from "./http.js";
import type { World } from "./process.js";
import { ProcessRoutes } from "./process-routes.js";

/** Requests that are no activity. */
const IDLE = new Set(["hello", "status", "ports"]);

/** The agent of a fake container: speaks PROTOCOL.md over any duplex, and ends the container as the real one does. */
export class FakeAgent {
  readonly #world: World;
  readonly #init: AgentInit;
  readonly #onEnd: (code: number) => void;
  readonly #server: Http2Server;
  readonly #sockets = new Set<Duplex>();
  readonly #instance = randomBytes(16).toString("hex");
  readonly #startedAt: number;
  readonly #execs: ExecRoutes;
  readonly #processes: ProcessRoutes;
  #lastActivityAt: number;
  #idle: Timer | undefined;
  #max: Timer | undefined;

  /** `onEnd` is told PID 1's exit code where the agent ends the container. */
  constructor(options: { readonly world: World; readonly init: AgentInit; readonly onEnd: (code: number) => void }) {
    const { world, init } = options;
    this.#world = world;
    this.#init = init;
    this.#onEnd = options.onEnd;
    this.#startedAt = this.#lastActivityAt = world.clock.now();
    const worked = (): void => this.#touch();
    this.#execs = new ExecRoutes(world, worked);
    this.#processes = new ProcessRoutes(world, worked);
    this.#server = createServer();
    this.#server.on("stream", (stream, headers) => this.#serve(stream, headers));
    // A stream that was cut is no failure of the agent's.
    this.#server.on("sessionError", () => undefined);
    if (init.maxLifetimeMs !== null)
      this.#max = world.clock.after(init.maxLifetimeMs, () => this.#onEnd(AGENT_EXIT.maxLifetime));
    this.#watchRest();
  }

  /** Takes one side of a stream. */
  accept(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => undefined);
    this.#server.emit("connection", socket);
  }

  /** The container is gone: every stream is cut, every command ended. */
  destroy(): void {
    this.#idle?.cancel();
    this.#max?.cancel();
    this.#execs.endAll();
    this.#processes.endAll();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(stream: ServerHttp2Stream, headers: Parameters<typeof readCall>[1]): void {
    stream.on("error", () => undefined);
    void this.#route(stream, headers).catch((error: unknown) => sendError(stream, error));
  }

  async #route(stream: ServerHttp2Stream, headers: Parameters<typeof readCall>[1]): Promise<void> {
    const call = readCall(stream, headers);
    const name = call.path[0] ?? "";
    if (name === "hello") return sendJson(stream, this.#hello());
    if (headers["podkit-protocol"] !== "1") {
      return sendJson(stream, { code: "invalid_state", message: "this agent speaks protocol 1." }, 426);
    }
    if (!IDLE.has(name) && !(call.method === "GET" && call.path.length === 1)) this.#touch();
    await this.#dispatch(name, call);
  }

  async #dispatch(name: string, call: Call): Promise<void> {
    switch (name) {
      case "status":
        return sendJson(call.stream, this.#status());
      case "ports":
        return sendJson(call.stream, { ports: [] });
      case "activity":
        return sendNothing(call.stream);
      case "shutdown":
        sendNothing(call.stream, 202);
        // The answer leaves first.
        this.#world.clock.after(20, () => this.#onEnd(AGENT_EXIT.asked), { hold: true });
        return;
      case "execs":
        return this.#execs.handle(call);
      case "processes":
        return this.#processes.handle(call);
      case "files":
        return handleFiles(this.#world, call);
      default:
        throw new PodkitError("not_found", `there is no /v1/${name}.`);
    }
  }

  #hello(): unknown {
    return {
      protocol: { major: 1, minor: 0 },
      version: AGENT_VERSION,
      instance: this.#instance,
      pid: 1,
      uid: 0,
      startedAt: this.#startedAt,
      platform: "linux/amd64",
      features: ["exec", "files", "processes"],
    };
  }

  #status(): unknown {
    const { lifetimeMs, program } = this.#init;
    return {
      instance: this.#instance,
      now: this.#world.clock.now(),
      startedAt: this.#startedAt,
      lastActivityAt: this.#lastActivityAt,
      lifetimeMs,
      running: { execs: this.#execs.running, processes: this.#processes.running },
      program: program === null ? null : { pid: 2, state: "running", exitCode: null, signal: null },
      idleAt: lifetimeMs === null ? null : this.#lastActivityAt + lifetimeMs,
    };
  }

  #touch(): void {
    this.#lastActivityAt = this.#world.clock.now();
  }

  #watchRest(): void {
    const { lifetimeMs } = this.#init;
    if (lifetimeMs === null) return;
    if (this.#execs.running + this.#processes.running > 0) this.#touch();
    const left = this.#lastActivityAt + lifetimeMs - this.#world.clock.now();
    if (left <= 0) this.#onEnd(AGENT_EXIT.idle);
    else this.#idle = this.#world.clock.after(left, () => this.#watchRest());
  }
}
