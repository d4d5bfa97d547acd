/** Makes text of a log that comes in pieces: a character that is cut between two of them stays whole. */
export class LogText {
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };

  /** What `data` makes whole; empty where that is nothing. */
  take(stream: "stdout" | "stderr", data: Uint8Array): string {
    return this.#decoders[stream].decode(data, { stream: true });
  }

  /** What was never made whole. */
  end(stream: "stdout" | "stderr"): string {
    return this.#decoders[stream].decode();
  }
}
