import type { ServerHttp2Stream } from "node:http2";
import type { Timer } from "@podkit/core";
import { Queue } from "../queue.js";
import { encodeFrame, encodeOffset, FRAME } from "./frames.js";
import { Output } from "./output.js";
import { type End, FakeProcess, type World } from "./process.js";

/** What a client asked to run. */
export interface ExecRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: boolean;
  readonly timeoutMs: number | undefined;
  readonly maxOutputBytes: number | null;
  readonly graceMs: number;
}

/** A command of the fake agent: a resource that outlives its streams until it is released. */
export class FakeExec {
  readonly argv0: string;
  readonly startedAt: number;
  readonly #world: World;
  readonly #request: ExecRequest;
  readonly #process: FakeProcess;
  readonly #stdin = new Queue<Uint8Array>();
  readonly #outputs: { readonly stdout: Output; readonly stderr: Output };
  #stdinSeen = 0;
  #stdinConsumed = 0;
  #timedOut = false;
  #cancelled = false;
  #end: (End & { readonly durationMs: number }) | undefined;
  #stream: ServerHttp2Stream | undefined;
  #deadline: Timer | undefined;
  #grace: Timer | undefined;
  #wake: (() => void) | undefined;

  constructor(world: World, request: ExecRequest, onEnd: () => void) {
    this.#world = world;
    this.#request = request;
    this.argv0 = request.argv[0] ?? "";
    this.startedAt = world.clock.now();
    const changed = (): void => this.#wake?.();
    this.#outputs = {
      stdout: new Output(request.maxOutputBytes, changed),
      stderr: new Output(request.maxOutputBytes, changed),
    };
    if (!request.stdin) this.#stdin.close();
    this.#process = new FakeProcess(world, {
      argv: request.argv,
      cwd: request.cwd,
      env: request.env,
      stdin: this.#consume(),
      out: (bytes) => this.#outputs.stdout.write(bytes),
      err: (bytes) => this.#outputs.stderr.write(bytes),
    });
    if (request.timeoutMs !== undefined) {
      this.#deadline = world.clock.after(request.timeoutMs, () => {
        this.#timedOut = this.#end === undefined;
        this.end();
      });
    }
    void this.#process.ended.then((end) => {
      this.#finish(end);
      onEnd();
    });
  }

  get running(): boolean {
    return this.#end === undefined;
  }

  get attached(): boolean {
    return this.#stream !== undefined;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Ends the whole tree: here that is one program. */
  end(cancelled = false): void {
    if (cancelled && this.running) this.#cancelled = true;
    this.#process.kill("KILL");
  }

  signal(name: string): void {
    this.#process.kill(name);
  }

  /** Takes bytes of stdin that begin at `offset`; what was seen is skipped. False where bytes are missing before it. */
  input(offset: number, bytes: Uint8Array): boolean {
    if (offset > this.#stdinSeen) return false;
    const fresh = bytes.subarray(this.#stdinSeen - offset);
    this.#stdinSeen += fresh.length;
    if (fresh.length > 0) this.#stdin.push(fresh);
    return true;
  }

  inputEnd(): void {
    this.#stdin.close();
  }

  acknowledge(stdout: number, stderr: number): void {
    this.#outputs.stdout.acknowledge(stdout);
    this.#outputs.stderr.acknowledge(stderr);
  }

  /** Sends everything from these offsets on, up to the end; takes the place of an earlier stream. */
  attach(stream: ServerHttp2Stream, at: { stdout: number; stderr: number }): void {
    this.#stream?.close();
    this.#grace?.cancel();
    this.#stream = stream;
    stream.on("close", () => this.#detached(stream));
    void this.#send(stream, at).catch(() => stream.destroy());
  }

  #detached(stream: ServerHttp2Stream): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#wake?.();
    if (this.running) this.#grace = this.#world.clock.after(2 * this.#request.graceMs, () => this.end(true));
  }

  async *#consume(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#stdin) {
      this.#stdinConsumed += chunk.length;
      this.#stream?.write(encodeFrame(FRAME.stdinAck, encodeOffset(this.#stdinConsumed)));
      yield chunk;
    }
  }

  #finish(end: End): void {
    this.#deadline?.cancel();
    this.#grace?.cancel();
    this.#end = { ...end, durationMs: this.#world.clock.now() - this.startedAt };
    this.#outputs.stdout.close();
    this.#outputs.stderr.close();
    this.#wake?.();
  }

  async #send(stream: ServerHttp2Stream, at: { stdout: number; stderr: number }): Promise<void> {
    const started = { pid: this.pid, startedAt: this.startedAt, stdin: this.#stdinConsumed };
    stream.write(encodeFrame(FRAME.started, Buffer.from(JSON.stringify(started))));
    while (this.#stream === stream && !stream.destroyed) {
      const changed = new Promise<void>((resolve) => (this.#wake = resolve));
      const ended = this.#end;
      if (await this.#sendPieces(stream, at)) continue;
      if (ended !== undefined) {
        stream.end(encodeFrame(FRAME.exit, Buffer.from(JSON.stringify(this.#exit(ended)))));
        return;
      }
      await changed;
    }
  }

  async #sendPieces(stream: ServerHttp2Stream, at: { stdout: number; stderr: number }): Promise<boolean> {
    let sent = false;
    for (const name of ["stdout", "stderr"] as const) {
      const piece = this.#outputs[name].next(at[name]);
      if (piece === undefined) continue;
      sent = true;
      at[name] = piece.offset + piece.data.length;
      if (stream.write(encodeFrame(FRAME[name], encodeOffset(piece.offset), piece.data))) continue;
      await new Promise<void>((resolve) => {
        stream.once("drain", resolve);
        stream.once("close", resolve);
      });
    }
    return sent;
  }

  #exit(end: End & { readonly durationMs: number }): unknown {
    return {
      exitCode: end.exitCode,
      signal: end.signal,
      timedOut: this.#timedOut,
      cancelled: this.#cancelled,
      oomKilled: false,
      durationMs: end.durationMs,
      stdoutBytes: this.#outputs.stdout.total,
      stderrBytes: this.#outputs.stderr.total,
      treeAlive: false,
    };
  }
}
