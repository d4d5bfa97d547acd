import type { ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { MAX_ERROR_BODY } from "./agent-error.js";
import type { Connection } from "./connection.js";
import { type AgentFrame, emptyFrame, FRAME, FrameDecoder } from "./frames.js";
import { resetStream } from "./reset.js";
import { protocolError } from "./violation.js";

/** What happens on one stream of a command. */
export interface ExecStreamEvents {
  frame(frame: AgentFrame): void;
  /** The agent did not take the command: its status and what it said. */
  refused(status: number, body: Buffer): void;
  /** The response ended without EXIT. */
  cut(): void;
  /** The agent broke its protocol. */
  broken(error: unknown): void;
}

/** What a stream of a command begins with. */
export interface ExecOpening {
  /** The command's id. */
  readonly id: string;
  /** SPEC as a header: the stream ends with EXIT, and the command is released by the next one's request. */
  readonly brief?: string | undefined;
  /** SPEC as the first frame, where it is no header. */
  readonly frame?: Buffer | undefined;
}

/** One stream of a command: a request whose bodies are frames. It lives until it is cut, dropped or finished. */
export class ExecStream {
  readonly connection: Connection;
  readonly #opening: ExecOpening;
  readonly #events: ExecStreamEvents;
  readonly #stream: ClientHttp2Stream;
  readonly #decoder = new FrameDecoder();
  #state: "open" | "refused" | "finished" | "over" = "open";
  #held = false;
  #ended = false;
  #status = 0;

  constructor(connection: Connection, opening: ExecOpening, events: ExecStreamEvents) {
    this.connection = connection;
    this.#opening = opening;
    this.#events = events;
    const stream = connection.request("POST", `/v1/execs/${opening.id}`, headersOf(connection, opening));
    this.#stream = stream;
    if (opening.frame !== undefined) stream.write(opening.frame);
    stream.on("response", (headers) => this.#onResponse(headers[":status"] ?? 0));
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    stream.on("end", () => this.#onEnd());
    stream.on("error", () => this.#cut());
    stream.on("close", () => this.#cut());
  }

  write(frame: Buffer): void {
    if (this.#state === "open" && !this.#stream.writableEnded) this.#stream.write(frame);
  }

  /** EXIT came: releases the command; nothing may follow. */
  finish(): void {
    this.#state = "finished";
    if (this.#opening.brief !== undefined) this.#close();
    else if (!this.#stream.writableEnded) this.#stream.end(emptyFrame(FRAME.release));
    if (this.#decoder.pending > 0) this.#break(protocolError("bytes after EXIT"));
  }

  /** The agent ends the stream with EXIT; one that does not is not waited for. */
  #close(): void {
    this.connection.releases.add(this.#opening.id);
    setImmediate(() => {
      if (!this.#stream.closed) this.#stream.close();
    });
  }

  /** Lets go of it without a word. */
  drop(): void {
    this.#state = "over";
    resetStream(this.#stream, new Error("dropped"));
  }

  /** Hands on nothing more until `release`. */
  hold(): void {
    this.#held = true;
    this.#stream.pause();
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#pump();
    if (this.#held) return;
    if (this.#ended) this.#onEnd();
    else this.#stream.resume();
  }

  #onResponse(status: number): void {
    this.#status = status;
    if (status === 200) this.#pump();
    else if (this.#state === "open") this.#state = "refused";
    if (this.#ended) this.#onEnd();
  }

  #onData(chunk: Buffer): void {
    if (this.#state === "finished") this.#break(protocolError("bytes after EXIT"));
    else if (this.#state === "refused" && this.#decoder.pending > MAX_ERROR_BODY) this.#onEnd();
    else if (this.#state !== "over") this.#decoder.push(chunk);
    // Over a stream that is no socket, node tells of the first bytes before it tells of the response.
    if (this.#status === 200) this.#pump();
  }

  #onEnd(): void {
    this.#ended = true;
    if (this.#status === 0 || this.#held) return;
    if (this.#state !== "refused") {
      this.#cut();
      return;
    }
    this.#state = "over";
    resetStream(this.#stream, new Error("dropped"));
    this.#events.refused(this.#status, this.#decoder.rest());
  }

  #pump(): void {
    try {
      while (!this.#held && this.#state === "open") {
        const frame = this.#decoder.next();
        if (frame === undefined) return;
        this.#events.frame(frame);
      }
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): void {
    this.#state = "over";
    this.#events.broken(error);
  }

  #cut(): void {
    if (this.#state !== "open" && this.#state !== "refused") return;
    this.#state = "over";
    resetStream(this.#stream, new Error("dropped"));
    this.#events.cut();
  }
}

function headersOf({ releases }: Connection, { brief }: ExecOpening): OutgoingHttpHeaders {
  const released = releases.take();
  return {
    ...(brief === undefined ? undefined : { "podkit-spec": brief }),
    ...(released === undefined ? undefined : { "podkit-release": released }),
  };
}
