import { Duplex, Readable } from "node:stream";
import { type DeadlineOptions, ENGINE_TIMEOUT_MS, PodkitError, withDeadline } from "@podkit/core";
import type { DockerClient, DockerDialOptions } from "./client.js";
import { type Subject, translate } from "./errors.js";
import { parseJson } from "./parse.js";

/** A request to the engine. */
export interface ApiRequest {
  /** What is being done, as an error's message begins. */
  readonly doing: string;
  readonly subject?: Subject;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly file?: Buffer;
  /** An `X-Registry-Auth` header. */
  readonly registryAuth?: string;
}

const SUCCESS: Readonly<Record<number, true>> = { 200: true, 201: true, 202: true, 204: true, 304: true };
/** Longest answer that is read whole: far above any list of containers with their records, far below the heap's limit. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** The engine's HTTP API over a {@link DockerClient}: deadlines, whole answers, and errors as podkit has them. */
export class DockerApi {
  readonly #client: DockerClient;
  /** Where the engine was found, for messages. */
  readonly endpoint: string;

  constructor(client: DockerClient, endpoint: string) {
    this.#client = client;
    this.endpoint = endpoint;
  }

  /** The answer's JSON; undefined where it is empty. */
  json(request: ApiRequest, options: DeadlineOptions = {}): Promise<unknown> {
    return this.#bounded(request, options, async (signal) =>
      parseJson(await readAll(await this.#dial(request, signal))),
    );
  }

  /** The answer as it comes. The deadline is for its beginning; destroying the stream ends the request. */
  stream(request: ApiRequest, options: DeadlineOptions = {}): Promise<Readable> {
    return this.#bounded(request, options, (signal) => this.#dial(request, signal));
  }

  /** The connection itself, once the engine has handed it over. */
  hijack(request: ApiRequest, options: DeadlineOptions = {}): Promise<Duplex> {
    return this.#bounded(request, options, async (signal) => {
      const result = await this.#send(request, signal, true);
      if (result instanceof Duplex) return result;
      if (result instanceof Readable) result.destroy();
      throw new PodkitError(
        "unsupported",
        `${request.doing} failed: what answers at ${this.endpoint} does not hand its connection over. A proxy before the engine must let upgrades through.`,
      );
    });
  }

  async #bounded<T>(
    request: ApiRequest,
    options: DeadlineOptions,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { signal, timeoutMs = ENGINE_TIMEOUT_MS } = options;
    try {
      return await withDeadline(request.doing, { signal, timeoutMs }, work);
    } catch (error) {
      throw translate(error, request.doing, this.endpoint, request.subject);
    }
  }

  async #dial(request: ApiRequest, signal: AbortSignal): Promise<Readable> {
    const result = await this.#send(request, signal, false);
    if (result instanceof Readable) return result;
    throw new PodkitError("internal", `${request.doing} failed: the client gave no stream.`);
  }

  #send(request: ApiRequest, signal: AbortSignal, hijack: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#client.modem.dial(dialOptions(request, signal, hijack), (error, result) => {
        if (error !== null && error !== undefined) reject(error);
        else resolve(result);
      });
    });
  }
}

// Query and body are given apart: left alone, dockerode's transport would put the body into the address too.
function dialOptions(request: ApiRequest, signal: AbortSignal, hijack: boolean): DockerDialOptions {
  const { method, path, query, file, registryAuth } = request;
  return {
    path: query === undefined ? path : `${path}?`,
    method,
    isStream: true,
    ...(hijack ? { hijack } : {}),
    statusCodes: SUCCESS,
    options: { _query: query ?? {}, _body: request.body ?? {} },
    ...(file === undefined ? {} : { file }),
    ...(registryAuth === undefined ? {} : { authconfig: { base64: registryAuth } }),
    abortSignal: signal,
  };
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes: Buffer = chunk;
    size += bytes.length;
    if (size > MAX_ANSWER_BYTES)
      throw new PodkitError("internal", `The engine's answer is longer than ${MAX_ANSWER_BYTES} bytes.`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}
