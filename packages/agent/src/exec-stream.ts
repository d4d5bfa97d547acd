import type { ClientHttp2Stream } from "node:http2";
import { MAX_ERROR_BODY } from "./agent-error.js";
import type { Connection } from "./connection.js";
import { type AgentFrame, FrameDecoder } from "./frames.js";
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

/** One stream of a command: a request whose bodies are frames. It lives until it is cut, dropped or finished. */
export class ExecStream {
  readonly connection: Connection;
  readonly #events: ExecStreamEvents;
  readonly #stream: ClientHttp2Stream;
  readonly #decoder = new FrameDecoder();
  #state: "open" | "refused" | "finished" | "over" = "open";
  #held = false;
  #ended = false;
  #status = 0;

  constructor(connection: Connection, path: string, events: ExecStreamEvents) {
    this.connection = connection;
    this.#events = events;
    const stream = connection.request("POST", path);
    this.#stream = stream;
    stream.on("response", (headers) => this.#onResponse(headers[":status"] ?? 0));
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    stream.on("end", () => this.#onEnd());
    stream.on("error", () => this.#cut());
    stream.on("close", () => this.#cut());
  }

  write(frame: Buffer): void {
    if (this.#state === "open" && !this.#stream.writableEnded) this.#stream.write(frame);
  }

  /** EXIT came: sends the last frame; nothing may follow. */
  finish(frame: Buffer): void {
    this.#state = "finished";
    if (!this.#stream.writableEnded) this.#stream.end(frame);
    if (this.#decoder.pending > 0) this.#break(protocolError("bytes after EXIT"));
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
