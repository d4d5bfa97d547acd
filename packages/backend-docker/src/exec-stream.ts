import { Duplex } from "node:stream";
import { type ByteStream, PodkitError } from "@podkit/core";
import { type FrameStream, StdcopyDemuxer } from "./stdcopy.js";

/** The connection that the engine handed over; sockets can be held and let go of. */
export type HijackedSocket = Duplex & { ref?(): unknown; unref?(): unknown };

/** What an {@link ExecStream} is made of. */
export interface ExecStreamOptions {
  readonly socket: HijackedSocket;
  /**
   * How the program ended: its code, or null where that cannot be told. Asked once, when the connection ended; `wait`: it ended
   * well, so that the program's end is noted at any moment.
   */
  readonly exitCode: (wait: boolean) => Promise<number | null>;
  /** The program, for messages. */
  readonly program: string;
}

/** What of stderr is kept for the error. */
const MAX_STDERR_BYTES = 8 * 1024;
/** The engine's report of a failed start is shorter; what is longer is a program's own output. */
const MAX_REPORT_BYTES = 8 * 1024;
// The engine reports a program that it could not start as if the program had printed it.
const START_FAILED = Buffer.from("OCI runtime exec failed");

/** A program's stdin and stdout as one stream, over an exec's hijacked connection. */
export class ExecStream extends Duplex implements ByteStream {
  readonly #options: ExecStreamOptions;
  readonly #socket: HijackedSocket;
  readonly #demuxer: StdcopyDemuxer;
  readonly #stderr: Buffer[] = [];
  #stderrLength = 0;
  #startFailure: Buffer[] | undefined;
  #begun = false;
  #ending = false;
  #pendingWrite: ((error?: Error | null) => void) | undefined;

  constructor(options: ExecStreamOptions) {
    super({ allowHalfOpen: true, readableHighWaterMark: 256 * 1024, writableHighWaterMark: 256 * 1024 });
    this.#options = options;
    this.#socket = options.socket;
    // What happens inside a container never ends this program, even where nobody listens yet.
    this.on("error", () => undefined);
    this.#demuxer = new StdcopyDemuxer((stream, data) => this.#take(stream, data));
    this.#socket.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#socket.on("drain", () => this.#written());
    this.#socket.once("end", () => this.#finish(true));
    this.#socket.once("close", () => this.#finish(false));
    this.#socket.on("error", (cause: Error) => this.#finish(false, cause));
  }

  ref(): this {
    this.#socket.ref?.();
    return this;
  }

  unref(): this {
    this.#socket.unref?.();
    return this;
  }

  override _read(): void {
    if (!this.#ending) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.#socket.write(chunk)) callback();
    else this.#pendingWrite = callback;
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#ending = true;
    this.#socket.destroy();
    const pending = this.#pendingWrite;
    this.#pendingWrite = undefined;
    callback(error);
    pending?.(error ?? new PodkitError("aborted", "The stream was destroyed before all was written."));
  }

  #written(): void {
    const callback = this.#pendingWrite;
    this.#pendingWrite = undefined;
    callback?.();
  }

  #read(chunk: Buffer): void {
    if (this.#ending) return;
    try {
      this.#demuxer.write(chunk);
    } catch (error) {
      this.destroy(error instanceof Error ? error : undefined);
    }
  }

  #take(stream: FrameStream, data: Buffer): void {
    if (stream === "stderr") {
      this.#keepStderr(data);
      return;
    }
    if (!this.#begun) {
      this.#begun = true;
      if (data.subarray(0, START_FAILED.length).equals(START_FAILED)) this.#startFailure = [];
    }
    if (this.#startFailure === undefined) this.#give(data);
    else this.#keepReport(this.#startFailure, data);
  }

  #give(data: Buffer): void {
    if (!this.push(data)) this.#socket.pause();
  }

  #keepReport(report: Buffer[], data: Buffer): void {
    report.push(data);
    if (
      report.reduce((total, { length }) => total + length, 0) <= MAX_REPORT_BYTES &&
      report.length <= MAX_REPORT_BYTES / 8
    )
      return;
    this.#startFailure = undefined;
    this.#give(Buffer.concat(report));
  }

  #keepStderr(data: Buffer): void {
    const room = MAX_STDERR_BYTES - this.#stderrLength;
    if (room <= 0) return;
    const kept = Buffer.from(data.subarray(0, room));
    this.#stderr.push(kept);
    this.#stderrLength += kept.length;
  }

  #finish(whole: boolean, cause?: Error): void {
    if (this.#ending || this.destroyed) return;
    this.#ending = true;
    // The connection is let go of at once; only the reason is still asked for.
    this.#socket.destroy();
    this.#options.exitCode(whole).then(
      (code) => this.#end(code, cause),
      (error: unknown) => this.#end(null, cause ?? error),
    );
  }

  #end(code: number | null, cause: unknown): void {
    if (this.destroyed) return;
    const failure =
      code === 0 && cause === undefined && this.#demuxer.atBoundary ? undefined : this.#failure(code, cause);
    if (failure !== undefined) {
      this.destroy(failure);
      return;
    }
    for (const held of this.#startFailure ?? []) this.push(held);
    this.push(null);
    // A reader that is behind still gets what was read; without one nothing would ever end it.
    if (this.readableLength === 0) this.destroy();
    else this.once("end", () => this.destroy());
  }

  #failure(code: number | null, cause: unknown): PodkitError {
    const printed = Buffer.concat([...(this.#startFailure ?? []), ...this.#stderr])
      .toString("utf8")
      .trim();
    const how = howItEnded(code, cause);
    const message = `${this.#options.program} in the container does not answer any more: ${how}${printed === "" ? "." : `. It said: ${printed}`}`;
    return new PodkitError("unavailable", message, { cause, details: { exitCode: code, stderr: printed } });
  }
}

function howItEnded(code: number | null, cause: unknown): string {
  if (code !== null) return `it ended with code ${code}`;
  return PodkitError.is(cause, "not_found")
    ? "its container ended or was removed"
    : "its connection to the engine was lost";
}
