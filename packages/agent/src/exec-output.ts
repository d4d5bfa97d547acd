import type { ExecSinks, Truncation } from "@podkit/core";
import type { Exit } from "./exec-messages.js";
import { FRAME } from "./frames.js";
import { OutputTrack } from "./output-track.js";

/** Consumed bytes after which the agent is told. */
const ACK_BYTES = 256 * 1024;

/** The output of one command on its way to the sinks, across all of its streams. */
export class ExecOutput {
  readonly #sinks: ExecSinks;
  /** Nothing may be dropped: the agent waits for acknowledgements. */
  readonly #lossless: boolean;
  readonly #stdout: OutputTrack;
  readonly #stderr: OutputTrack;
  #acked = 0;
  #muted = false;

  constructor(sinks: ExecSinks, cap: number | null) {
    this.#sinks = sinks;
    this.#lossless = cap === null;
    this.#stdout = new OutputTrack("stdout", cap);
    this.#stderr = new OutputTrack("stderr", cap);
  }

  /** Where each stream goes on. */
  get received(): readonly [stdout: number, stderr: number] {
    return [this.#stdout.received, this.#stderr.received];
  }

  /**
   * Hands a piece to its sink; gives back the promise that holds further output, where the sink has one.
   * @throws `internal` (reason `protocol`) where the offset does not fit; {@link SinkFailure} where the sink threw.
   */
  deliver(type: typeof FRAME.stdout | typeof FRAME.stderr, offset: number, bytes: Buffer): Promise<void> | undefined {
    const isStdout = type === FRAME.stdout;
    (isStdout ? this.#stdout : this.#stderr).accept(offset, bytes.length);
    if (this.#muted || bytes.length === 0) return undefined;
    try {
      return (isStdout ? this.#sinks.onStdout(bytes) : this.#sinks.onStderr(bytes)) ?? undefined;
    } catch (error) {
      throw new SinkFailure(error);
    }
  }

  /** The offsets to acknowledge, where enough was consumed since the last time. */
  acknowledgement(): readonly [number, number] | undefined {
    if (!this.#lossless) return undefined;
    const { received } = this;
    const sum = received[0] + received[1];
    if (sum - this.#acked < ACK_BYTES) return undefined;
    this.#acked = sum;
    return received;
  }

  /** Goes on following the offsets, and tells the sinks nothing more. */
  mute(): void {
    this.#muted = true;
  }

  /**
   * Compares with what the agent says in the end.
   * @throws `internal` (reason `protocol`) where output is missing.
   */
  finish(exit: Exit): Truncation | false {
    const stdout = this.#stdout.finish(exit.stdoutBytes);
    const stderr = this.#stderr.finish(exit.stderrBytes);
    return stdout + stderr > 0 && { stdout, stderr };
  }
}

/** A sink threw. */
export class SinkFailure extends Error {
  constructor(cause: unknown) {
    super("a sink failed", { cause });
  }
}
