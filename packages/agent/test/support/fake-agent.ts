import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { PodkitError } from "@podkit/core";
import type { AgentLink } from "../../src/link.js";
import { duplexPair, type PairedStream } from "./duplex-pair.js";
import { type ClientFrame, ClientFrames } from "./frames.js";

/** A request that reached the fake. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly stream: ServerHttp2Stream;
}

/** A command's request: frames come one by one. */
export interface FakeExec extends FakeRequest {
  readonly id: string;
  /** The next frame; undefined at the end of the request's body. */
  next(): Promise<ClientFrame | undefined>;
  /** Answers with status 200 and these bytes. */
  send(...frames: readonly Uint8Array[]): void;
}

/** What a fake does; the rest answers as a good agent would. */
export interface FakeBehaviour {
  hello?: unknown;
  onExec?: (exec: FakeExec) => void | Promise<void>;
  onRequest?: (request: FakeRequest) => void | Promise<void>;
  onOpen?: (attempt: number) => void | Promise<void>;
}

export const HELLO = {
  protocol: { major: 1, minor: 0 },
  version: "0.1.0",
  instance: "0123456789abcdef0123456789abcdef",
  pid: 1,
  uid: 0,
  startedAt: 1_700_000_000_000,
  platform: "linux/amd64",
  features: ["exec"],
};

/** An agent in this process that does what a test tells it, right or wrong. */
export class FakeAgent implements AgentLink {
  readonly behaviour: FakeBehaviour;
  readonly streams: PairedStream[] = [];
  readonly ours: PairedStream[] = [];
  readonly errors: unknown[] = [];
  /** How many bytes of the agent each next stream lets through before it is cut. */
  readonly budgets: number[] = [];
  opens = 0;
  /** Pings that were answered. */
  pings = 0;
  /** Requests that were neither hello nor a command. */
  requests = 0;
  /** It takes streams and never says a word. */
  mute = false;
  gone = false;
  readonly #server: Http2Server;

  constructor(behaviour: FakeBehaviour = {}) {
    this.behaviour = behaviour;
    this.#server = createServer({ settings: { maxConcurrentStreams: 10_000 } });
    this.#server.on("sessionError", () => undefined);
    this.#server.on("session", (session) =>
      session.on("ping", () => {
        this.pings += 1;
      }),
    );
    this.#server.on("stream", (stream, headers) => {
      stream.on("error", () => undefined);
      const url = new URL(String(headers[":path"]), "http://agent");
      const request = {
        method: String(headers[":method"]),
        path: url.pathname,
        query: url.searchParams,
        headers,
        stream,
      };
      this.#serve(request).catch((error: unknown) => this.errors.push(error));
    });
  }

  /** The newest stream, as the client holds it. */
  get stream(): PairedStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error("no stream was opened");
    return stream;
  }

  async open(): Promise<PairedStream> {
    this.opens += 1;
    await this.behaviour.onOpen?.(this.opens);
    if (this.gone) throw new PodkitError("invalid_state", "The container does not run.");
    const [client, server] = duplexPair();
    server.budget = this.budgets.shift() ?? Number.POSITIVE_INFINITY;
    this.streams.push(client);
    this.ours.push(server);
    server.on("error", () => undefined);
    if (!this.mute) this.#server.emit("connection", server);
    return client;
  }

  async isGone(): Promise<boolean> {
    return this.gone;
  }

  /** Cuts every stream, as a proxy would. */
  cut(): void {
    for (const stream of this.ours) stream.destroy();
  }

  /** Nothing gets in or out any more, and no stream ends. */
  freeze(): void {
    for (const stream of [...this.ours, ...this.streams]) stream.frozen = true;
  }

  thaw(): void {
    for (const stream of [...this.ours, ...this.streams]) stream.thaw();
  }

  async #serve(request: FakeRequest): Promise<void> {
    const { stream, path } = request;
    if (path === "/v1/hello") {
      stream.respond({ ":status": 200, "content-type": "application/json" });
      stream.end(JSON.stringify(this.behaviour.hello ?? HELLO));
    } else if (path.startsWith("/v1/execs/") && request.method === "POST") {
      const frames = new ClientFrames(stream);
      await this.behaviour.onExec?.({
        ...request,
        id: path.slice("/v1/execs/".length),
        next: () => frames.next(),
        send: (...sent) => {
          if (stream.destroyed) return;
          if (!stream.headersSent) stream.respond({ ":status": 200 });
          for (const frame of sent) stream.write(frame);
        },
      });
    } else {
      this.requests += 1;
      await this.behaviour.onRequest?.(request);
    }
  }
}
