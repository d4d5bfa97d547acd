import { randomBytes } from "node:crypto";
import {
  abortedError,
  type ExecExit,
  type ExecHandle,
  type ExecSinks,
  type ExecSpec,
  PodkitError,
  quote,
} from "@podkit/core";
import { agentError } from "./agent-error.js";
import type { Connector } from "./connector.js";
import { deferred } from "./deferred.js";
import { lostError, overdueError, sinkError, treeAliveError } from "./exec-errors.js";
import { execHandle } from "./exec-handle.js";
import { briefSpec, parseExit, parseStarted, specFrame } from "./exec-messages.js";
import { ExecOutput, SinkFailure } from "./exec-output.js";
import { ExecStdin } from "./exec-stdin.js";
import { type ExecOpening, ExecStream } from "./exec-stream.js";
import { type AgentFrame, emptyFrame, FRAME, offsetFrame } from "./frames.js";
import type { Shaken } from "./handshake.js";
import { Retries } from "./retries.js";
import { protocolError } from "./violation.js";

const START_MS = 30_000;
/** How long a program that ends right after an abort still waits for the agent to hear of it. */
const LINGER_MS = 1_000;
/** What the agent has beyond a command's own deadline to end its tree and say so. */
const OVERDUE_MS = 20_000;
/** Frames that wait for the next stream. */
const MAX_QUEUED = 256;

/** What a call is made of. */
export interface ExecCallOptions {
  readonly connector: Connector;
  readonly spec: ExecSpec;
  readonly sinks: ExecSinks;
  readonly signal?: AbortSignal | undefined;
  /** Called once its caller has its answer. */
  readonly onSettled: (call: ExecCall) => void;
}

/** One command, over as many streams as it takes. */
export class ExecCall {
  readonly #options: ExecCallOptions;
  readonly #connector: Connector;
  readonly #spec: ExecSpec;
  readonly #id = randomBytes(16).toString("base64url");
  readonly #name: string;
  readonly #output: ExecOutput;
  readonly #stdin = new ExecStdin();
  readonly #handle = deferred<ExecHandle>();
  readonly #exit = deferred<ExecExit>();
  readonly #retries: Retries;
  readonly #queued: Buffer[] = [];
  readonly #always: Buffer[] = [];
  #stream: ExecStream | undefined;
  /** The agent's instance that the command was sent to; undefined while it never left. */
  #instance: string | undefined;
  #started = false;
  /** True between STARTED and the end of a stream. */
  #attached = false;
  /** A sink's promise is waited for. */
  #held = false;
  /** The caller has its answer. */
  #settled = false;
  /** Nothing is to be done any more, for the agent neither. */
  #over = false;
  #activeSince: number;
  /** Lets the event loop go, which is held until the agent ended an abandoned command. */
  #leave: (() => void) | undefined;

  constructor(options: ExecCallOptions) {
    this.#options = options;
    this.#connector = options.connector;
    this.#spec = options.spec;
    this.#name = quote(options.spec.argv[0]);
    this.#output = new ExecOutput(options.sinks, options.spec.maxOutputBytes);
    this.#retries = new Retries(this.#connector.time, this.#connector.graceMs);
    this.#activeSince = this.#connector.time.now();
  }

  /** Sends it; settles once the agent started it. @throws `invalid_argument` at once where it is too large. */
  start(): Promise<ExecHandle> {
    const frame = specFrame(this.#spec, this.#connector.graceMs, 0, 0);
    this.#options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#connector.begin();
    const { usable } = this.#connector;
    if (usable !== undefined) this.#attach(usable, this.#opening(usable, frame));
    else void this.#reattach();
    return this.#handle.promise;
  }

  /** Gives it up where the agent is long overdue; called every so often. */
  check(): void {
    const { time } = this.#connector;
    if (this.#held || this.#settled) this.#activeSince = time.now();
    const passed = time.now() - this.#activeSince;
    if (!this.#started && passed > START_MS) this.#abandon(overdueError(this.#name, "did not start it"));
    const { timeoutMs } = this.#spec;
    if (timeoutMs !== undefined && passed > timeoutMs + OVERDUE_MS) {
      this.#abandon(overdueError(this.#name, "did not end it at its deadline"));
    }
  }

  readonly #onAbort = (): void => {
    this.#abandon(abortedError(`Running ${this.#name}`, this.#options.signal?.reason));
  };

  /** A short command is one write each way, where the agent knows how. */
  #opening({ hello }: Shaken, frame: Buffer): ExecOpening {
    const brief = hello.features.includes("brief") ? briefSpec(this.#spec, this.#connector.graceMs) : undefined;
    return brief === undefined ? { id: this.#id, frame } : { id: this.#id, brief };
  }

  #attach({ connection, hello }: Shaken, opening: ExecOpening): void {
    this.#instance = hello.instance;
    try {
      const stream = new ExecStream(connection, opening, {
        frame: (frame) => this.#frame(stream, frame),
        refused: (status, body) => this.#refused(status, body),
        cut: () => this.#cut(),
        broken: (error) => this.#broken(stream, error),
      });
      this.#stream = stream;
      if (this.#held) stream.hold();
    } catch {
      this.#cut();
    }
  }

  async #reattach(): Promise<void> {
    try {
      await this.#retries.next();
      const shaken = await this.#connector.acquire();
      if (this.#over) return;
      if (this.#instance !== undefined && this.#instance !== shaken.hello.instance) {
        this.#lose("its container was restarted.", "restarted");
        return;
      }
      const frame = specFrame(this.#spec, this.#connector.graceMs, ...this.#output.received);
      this.#attach(shaken, { id: this.#id, frame });
    } catch (error) {
      const known = PodkitError.is(error);
      // What is wrong with the agent or the caller is no loss, as long as nothing was sent.
      if (known && this.#instance === undefined && error.code !== "unavailable") this.#fail(error);
      else this.#lose(known ? error.message : String(error), known ? error.details["reason"] : undefined, error);
    }
  }

  #frame(stream: ExecStream, frame: AgentFrame): void {
    if (frame.type === FRAME.started) {
      this.#onStarted(stream, frame.payload);
      return;
    }
    if (!this.#attached) throw protocolError("a frame before STARTED");
    switch (frame.type) {
      case FRAME.stdout:
      case FRAME.stderr:
        this.#onOutput(stream, frame.type, frame.offset, frame.payload);
        break;
      case FRAME.stdinAck:
        this.#stdin.acknowledge(frame.offset);
        break;
      case FRAME.exit:
        this.#onExit(stream, frame.payload);
    }
  }

  #onStarted(stream: ExecStream, payload: Buffer): void {
    if (this.#attached) throw protocolError("a second STARTED");
    const { pid, stdin } = parseStarted(payload);
    this.#attached = true;
    this.#retries.attached();
    if (this.#spec.stdin && !this.#settled) this.#stdin.attach((frame) => stream.write(frame), stdin);
    for (const frame of [...this.#always, ...this.#queued.splice(0)]) stream.write(frame);
    if (this.#started) return;
    this.#started = true;
    this.#activeSince = this.#connector.time.now();
    this.#handle.resolve(
      execHandle({ pid, spec: this.#spec, stdin: this.#stdin, exit: this.#exit.promise, control: this.#control }),
    );
  }

  #onOutput(stream: ExecStream, type: typeof FRAME.stdout | typeof FRAME.stderr, offset: number, bytes: Buffer): void {
    this.#retries.progress();
    try {
      const hold = this.#output.deliver(type, offset, bytes);
      if (hold === undefined) {
        this.#acknowledge();
        return;
      }
      this.#held = true;
      stream.hold();
      hold.then(this.#release, (error: unknown) => this.#abandon(sinkError(this.#name, error)));
    } catch (error) {
      if (!(error instanceof SinkFailure)) throw error;
      this.#abandon(sinkError(this.#name, error.cause));
    }
  }

  readonly #release = (): void => {
    this.#held = false;
    this.#acknowledge();
    this.#stream?.release();
  };

  #acknowledge(): void {
    const offsets = this.#output.acknowledgement();
    if (offsets !== undefined && this.#attached) this.#stream?.write(offsetFrame(FRAME.ack, offsets));
  }

  #onExit(stream: ExecStream, payload: Buffer): void {
    const exit = parseExit(payload);
    const truncated = this.#output.finish(exit);
    this.#over = true;
    stream.finish();
    this.#leave?.();
    if (this.#settled) return;
    const { exitCode, signal, timedOut, oomKilled, durationMs } = exit;
    if (!exit.treeAlive) this.#exit.resolve({ exitCode, signal, timedOut, truncated, oomKilled, durationMs });
    this.#settle(exit.treeAlive ? treeAliveError(this.#name) : undefined);
  }

  readonly #control = (frame: Buffer, always = false): void => {
    if (this.#over) return;
    if (always) this.#always.push(frame);
    if (this.#attached) this.#stream?.write(frame);
    else if (!always && this.#queued.length < MAX_QUEUED) this.#queued.push(frame);
  };

  #cut(): void {
    this.#attached = false;
    this.#stream = undefined;
    this.#stdin.detach();
    if (!this.#over) void this.#reattach();
  }

  #refused(status: number, body: Buffer): void {
    const error = agentError(`Starting ${this.#name}`, status, body);
    if (!this.#started && status !== 410) this.#fail(error);
    else this.#lose("the agent does not know it any more.", "released", error);
  }

  #broken(stream: ExecStream, error: unknown): void {
    this.#fail(error);
    this.#connector.violated(stream.connection, error);
  }

  /** Answers the caller, and has the tree ended however long that takes. */
  #abandon(error: PodkitError): void {
    if (this.#settled || this.#over) return;
    this.#output.mute();
    this.#settle(error);
    this.#held = false;
    const cancel = emptyFrame(FRAME.cancel);
    this.#always.push(cancel);
    if (this.#instance === undefined) this.#over = true;
    else this.#leave = this.#connector.linger(LINGER_MS);
    this.#stream?.write(cancel);
    this.#stream?.release();
  }

  #lose(why: string, reason: unknown, cause?: unknown): void {
    this.#fail(lostError(this.#name, why, this.#instance !== undefined, reason, cause));
  }

  #fail(error: unknown): void {
    this.#over = true;
    this.#leave?.();
    this.#stream?.drop();
    if (!this.#settled) this.#settle(error);
  }

  #settle(error: unknown): void {
    this.#settled = true;
    if (error === undefined) this.#stdin.end();
    else {
      this.#handle.reject(error);
      this.#exit.reject(error);
      this.#stdin.fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#options.onSettled(this);
    this.#connector.end();
  }
}
