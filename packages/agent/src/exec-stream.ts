import { type ClientHttp2Stream, constants } from "node:http2";
import { MAX_ERROR_BODY } from "./agent-error.js";
import type { Connection } from "./connection.js";
import { type AgentFrame, FrameDecoder } from "./frames.js";
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
    stream.on("response", (headers) => {
      this.#status = headers[":status"] ?? 0;
      if (this.#status !== 200) this.#readRefusal();
    });
    stream.on("data", (chunk: Buffer) => this.#data(chunk));
    stream.on("end", () => {
      this.#ended = true;
      if (!this.#held) this.#cut();
    });
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
    this.#stream.close(constants.NGHTTP2_CANCEL);
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
    if (this.#ended) this.#cut();
    else this.#stream.resume();
  }

  #data(chunk: Buffer): void {
    if (this.#state === "finished") return this.#break(protocolError("bytes after EXIT"));
    if (this.#state !== "open") return;
    this.#decoder.push(chunk);
    this.#pump();
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
    if (this.#state !== "open") return;
    this.#state = "over";
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#events.cut();
  }

  #readRefusal(): void {
    if (this.#state !== "open") return;
    this.#state = "refused";
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (): void => {
      if (this.#state !== "refused") return;
      this.#state = "over";
      this.#stream.close(constants.NGHTTP2_CANCEL);
      this.#events.refused(this.#status, Buffer.concat(chunks));
    };
    this.#stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_ERROR_BODY) settle();
      else chunks.push(chunk);
    });
    this.#stream.on("end", settle);
    this.#stream.on("close", settle);
  }
}
