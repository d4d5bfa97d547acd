import type { ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { constants } from "node:http2";
import { abortedError, PodkitError, throwIfAborted } from "@podkit/core";
import { agentError, MAX_ERROR_BODY } from "./agent-error.js";
import type { Connection } from "./connection.js";
import { parseJson } from "./fields.js";
import { protocolError } from "./violation.js";

/** Bytes of a JSON answer that are read. */
const MAX_JSON = 16 * 1024 * 1024;
/** Bytes of a JSON request that an agent reads. */
const MAX_JSON_REQUEST = 1024 * 1024;

/** One request whose answer is small. */
export interface SmallRequest {
  /** What it does, for messages: "Listing /data". */
  readonly doing: string;
  readonly method: string;
  readonly path: string;
  /** JSON body. */
  readonly json?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** The status and header fields of an answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Sends a request and reads its answer whole.
 * @returns The parsed JSON; undefined where there is no body.
 * @throws What the agent answered; `unavailable` where the answer was cut; `internal` where it is none.
 */
export async function roundTrip(connection: Connection, request: SmallRequest): Promise<unknown> {
  throwIfAborted(request.doing, request.signal);
  const stream = send(connection, request);
  const { answer, body } = await readAnswer(connection, stream, request.doing, request.signal);
  if (answer.status >= 400) throw agentError(request.doing, answer.status, body);
  return body.length === 0 ? undefined : parseJson(request.doing, body);
}

function send(connection: Connection, { doing, method, path, json }: SmallRequest): ClientHttp2Stream {
  if (json === undefined) return connection.request(method, path, undefined, true);
  const body = Buffer.from(JSON.stringify(json));
  if (body.length > MAX_JSON_REQUEST) {
    throw new PodkitError(
      "invalid_argument",
      `${doing} cannot be asked for: it takes ${body.length} bytes and at most ${MAX_JSON_REQUEST} fit.`,
    );
  }
  const stream = connection.request(method, path, { "content-type": "application/json" });
  stream.end(body);
  return stream;
}

/** Reads status and body of an answer; resolves for every status once the answer came whole. */
export function readAnswer(
  connection: Connection,
  stream: ClientHttp2Stream,
  doing: string,
  signal: AbortSignal | undefined,
): Promise<{ answer: Answer; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let answer: Answer | undefined;
    let ended = false;
    const fail = (error: Error): void => {
      signal?.removeEventListener("abort", onAbort);
      stream.close(constants.NGHTTP2_CANCEL);
      reject(error);
    };
    const onAbort = (): void => fail(abortedError(doing, signal?.reason));
    signal?.addEventListener("abort", onAbort, { once: true });
    stream.on("response", (headers) => {
      answer = { status: headers[":status"] ?? 0, headers };
    });
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      const limit = (answer?.status ?? 0) >= 400 ? MAX_ERROR_BODY : MAX_JSON;
      if (size > limit) fail(protocolError(`an answer of more than ${limit} bytes`));
      else chunks.push(chunk);
    });
    stream.on("end", () => {
      ended = true;
    });
    stream.on("error", (cause) => fail(connection.cutError(doing, cause)));
    stream.on("close", () => {
      if (!ended || answer === undefined || stream.rstCode !== constants.NGHTTP2_NO_ERROR)
        return fail(connection.cutError(doing));
      signal?.removeEventListener("abort", onAbort);
      resolve({ answer, body: Buffer.concat(chunks, size) });
    });
  });
}
