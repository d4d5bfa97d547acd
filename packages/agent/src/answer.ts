import type { ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { constants } from "node:http2";
import { abortedError } from "@podkit/core";
import { agentError, MAX_ERROR_BODY } from "./agent-error.js";
import type { Connection } from "./connection.js";
import { resetStream } from "./reset.js";
import { protocolError } from "./violation.js";

/** Bytes of a JSON answer that are read. */
const MAX_JSON = 16 * 1024 * 1024;

/** Reads one small answer whole. */
export class AnswerReader {
  /**
   * The body, once the answer came whole. Rejects with what the agent answered; with `unavailable` (reason `cut`) where the
   * answer was cut; with `aborted`; with `internal` where it is larger than any answer may be.
   */
  readonly body: Promise<Buffer>;
  /** True once `body` is settled. */
  settled = false;
  readonly #connection: Connection;
  readonly #stream: ClientHttp2Stream;
  readonly #doing: string;
  readonly #signal: AbortSignal | undefined;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #status = 0;
  #ended = false;
  #resolve: (body: Buffer) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor(
    connection: Connection,
    stream: ClientHttp2Stream,
    doing: string,
    signal: AbortSignal | undefined,
    status = 0,
  ) {
    this.#status = status;
    this.#connection = connection;
    this.#stream = stream;
    this.#doing = doing;
    this.#signal = signal;
    this.body = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.body.catch(() => undefined);
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    stream.on("response", (headers: IncomingHttpHeaders & { ":status"?: number }) => {
      this.#status = headers[":status"] ?? 0;
      if (this.#ended) this.#onEnd();
    });
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    stream.on("end", () => this.#onEnd());
    stream.on("error", (cause: Error) => this.fail(connection.cutError(doing, cause)));
    stream.on("close", () => this.#onClose());
  }

  readonly #onAbort = (): void => {
    this.fail(abortedError(this.#doing, this.#signal?.reason));
  };

  #onData(chunk: Buffer): void {
    this.#size += chunk.length;
    const limit = this.#status >= 400 ? MAX_ERROR_BODY : MAX_JSON;
    if (this.#size > limit) this.fail(protocolError(`an answer of more than ${limit} bytes`));
    else if (!this.settled) this.#chunks.push(chunk);
  }

  #onEnd(): void {
    this.#ended = true;
    // A failure may come before the request's body was taken; the stream's close would wait for that.
    if (this.#status >= 400) this.fail(agentError(this.#doing, this.#status, this.#whole()));
  }

  #onClose(): void {
    if (!this.#ended || this.#status < 200 || this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
      this.fail(this.#connection.cutError(this.#doing));
    } else if (!this.settled) {
      this.#settle();
      this.#resolve(this.#whole());
    }
  }

  #whole(): Buffer {
    return Buffer.concat(this.#chunks, this.#size);
  }

  /** Gives it up: the request is reset, and `body` rejects with `error`. */
  fail(error: Error): void {
    if (this.settled) return;
    this.#settle();
    resetStream(this.#stream, error);
    this.#reject(error);
  }

  #settle(): void {
    this.settled = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}
