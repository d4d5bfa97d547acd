import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
  sensitiveHeaders,
} from "node:http2";
import type { ByteStream } from "@podkit/core";
import { PodkitError } from "@podkit/core";
import { plain } from "./agent-error.js";
import { ExecReleases } from "./exec-releases.js";
import { PROTOCOL } from "./version.js";

const MIB = 1024 * 1024;
/** What one stream may send ahead of its reader. */
const STREAM_WINDOW = 2 * MIB;
/** What all streams together may: node gives it back as bytes arrive, so that a paused reader holds up nobody else. */
const SESSION_WINDOW = 32 * MIB;
/** Larger DATA frames than the default 16 KiB: fewer turns per megabyte. */
const MAX_FRAME = 256 * 1024;
/** Node refuses new streams beyond this many megabytes of its own bookkeeping; its default of 10 is a few paused streams. */
const SESSION_MEMORY_MB = 512;

/** Different each time, and secrets may be in there: neither end keeps them in its table. */
const NEVER_INDEXED = ["podkit-spec", "podkit-release"];

/** One HTTP/2 session over one byte stream. It knows nothing of reconnecting. */
export class Connection {
  /** Commands that the next one's request releases. */
  readonly releases = new ExecReleases();
  readonly #stream: ByteStream;
  readonly #session: ClientHttp2Session;
  readonly #onClose: (connection: Connection) => void;
  #failure: Error | undefined;
  #closed = false;

  constructor(stream: ByteStream, onClose: (connection: Connection) => void) {
    this.#stream = stream;
    this.#onClose = onClose;
    stream.on("error", (error: Error) => this.#fail(error));
    this.#session = connect("http://agent", {
      createConnection: () => stream,
      maxSessionMemory: SESSION_MEMORY_MB,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW, maxFrameSize: MAX_FRAME },
    });
    this.#session.on("error", (error: Error) => this.#fail(error));
    this.#session.on("goaway", () => this.#close());
    this.#session.on("close", () => this.#close());
    // It may have been destroyed since: node tells of its begin a turn later, even then.
    this.#session.on("connect", () => {
      if (this.usable) this.#session.setLocalWindowSize(SESSION_WINDOW);
    });
  }

  /** False once no request can be made over it any more. */
  get usable(): boolean {
    return !this.#closed && !this.#session.destroyed && !this.#session.closed;
  }

  /** Why it ended, as far as that is known. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Opens a request. Without `empty` its body is written, and ended, by the caller.
   * @throws `unavailable` where the connection is not usable.
   */
  request(method: string, path: string, headers?: OutgoingHttpHeaders, empty = false): ClientHttp2Stream {
    try {
      return this.#session.request(
        {
          ...headers,
          ":method": method,
          ":path": path,
          "podkit-protocol": PROTOCOL.major,
          [sensitiveHeaders]: NEVER_INDEXED,
        },
        { endStream: empty },
      );
    } catch (cause) {
      throw this.cutError(`${method} ${plain(path, 80)}`, cause);
    }
  }

  /** Asks for a sign of life; `answered` is called at most once, and never where the connection ends before. */
  ping(answered: () => void): void {
    if (!this.usable) return;
    this.#session.ping((error) => {
      if (error === null) answered();
    });
  }

  ref(): void {
    this.#stream.ref();
  }

  unref(): void {
    this.#stream.unref();
  }

  /** Ends it at once; what runs over it is cut. */
  destroy(): void {
    this.#session.destroy(undefined, constants.NGHTTP2_CANCEL);
    this.#stream.destroy();
    this.#close();
  }

  /** What a call looks like that was cut with this connection. */
  cutError(doing: string, cause?: unknown): PodkitError {
    const why = this.#failure === undefined ? "" : `: ${plain(this.#failure.message, 512)}`;
    return new PodkitError(
      "unavailable",
      `${doing} was cut: the connection to the agent in the container ended${why}. Try again.`,
      {
        cause: cause ?? this.#failure,
        details: { reason: "cut" },
      },
    );
  }

  #fail(error: Error): void {
    this.#failure ??= error;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(this);
  }
}
