import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { abortedError, PodkitError } from "@podkit/core";
import type { ActiveTime } from "./active-time.js";
import { AnswerReader } from "./answer.js";
import type { Connection } from "./connection.js";
import type { SmallRequest } from "./request.js";
import { StallWatch } from "./stall.js";
import { protocolError } from "./violation.js";

/** A request whose answer may be large. */
export interface DownloadRequest extends Pick<SmallRequest, "doing" | "path" | "signal"> {
  /** How many bytes the body must have, by the head of its answer; undefined: its end alone counts. */
  readonly size?: (headers: IncomingHttpHeaders) => number | undefined;
  /** The agent may be silent for as long as it likes. Default false. */
  readonly patient?: boolean;
}

/**
 * Sends a request and waits for the beginning of its answer.
 * @throws What the agent answered; `unavailable` where it was cut; `aborted`.
 */
export function openDownload(connection: Connection, request: DownloadRequest, signal: AbortSignal): Promise<Download> {
  const stream = connection.request("GET", request.path, undefined, true);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => fail(abortedError(request.doing, signal.reason));
    const settle = (): void => {
      signal.removeEventListener("abort", onAbort);
      stream.off("close", onClose);
    };
    const fail = (error: Error): void => {
      settle();
      stream.close(constants.NGHTTP2_CANCEL);
      reject(error);
    };
    const onClose = (): void => fail(connection.cutError(request.doing));
    signal.addEventListener("abort", onAbort, { once: true });
    stream.on("error", () => undefined);
    stream.on("close", onClose);
    stream.once("response", (headers) => {
      settle();
      const status = headers[":status"] ?? 0;
      if (status === 200) resolve(new Download(connection, stream, request, headers));
      else
        new AnswerReader(connection, stream, request.doing, signal, status).body.then(
          () => reject(protocolError(`the status ${status}`)),
          reject,
        );
    });
  });
}

/** The body of an answer that has begun. */
export class Download {
  readonly connection: Connection;
  readonly #headers: IncomingHttpHeaders;
  readonly #stream: ClientHttp2Stream;
  readonly #request: DownloadRequest;
  #failure: PodkitError | undefined;

  constructor(
    connection: Connection,
    stream: ClientHttp2Stream,
    request: DownloadRequest,
    headers: IncomingHttpHeaders,
  ) {
    this.connection = connection;
    this.#stream = stream;
    this.#request = request;
    this.#headers = headers;
  }

  /**
   * The bytes, as they are asked for: what nobody takes holds the agent back. Leaving the iteration ends the request.
   * @throws `unavailable` where the body was cut, `timeout` where it does not get on, `aborted`.
   */
  async *chunks(time: ActiveTime): AsyncGenerator<Buffer> {
    const { signal, doing, patient } = this.#request;
    const size = this.#request.size?.(this.#headers);
    const onAbort = (): void => this.#end(abortedError(doing, signal?.reason));
    const watch = patient === true ? undefined : new StallWatch(time, doing, (error) => this.#end(error));
    signal?.addEventListener("abort", onAbort, { once: true });
    let received = 0;
    try {
      watch?.wait();
      for await (const chunk of this.#bytes()) {
        watch?.rest();
        received += chunk.length;
        if (size !== undefined && received > size)
          throw protocolError(`more than the ${size} bytes that it had announced`);
        yield chunk;
        watch?.wait();
      }
      await this.#closed();
    } catch (error) {
      throw this.#failure ?? (PodkitError.is(error) ? error : this.connection.cutError(doing, error));
    } finally {
      watch?.stop();
      signal?.removeEventListener("abort", onAbort);
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR || (size !== undefined && received !== size)) {
      throw this.connection.cutError(doing);
    }
  }

  #bytes(): AsyncIterable<Buffer> {
    return this.#stream;
  }

  /** Only at its close does node tell whether a body's end was the agent's or that of a cut. */
  #closed(): Promise<void> {
    if (this.#stream.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#stream.once("close", () => resolve()));
  }

  #end(error: PodkitError): void {
    this.#failure ??= error;
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#stream.destroy();
  }
}
