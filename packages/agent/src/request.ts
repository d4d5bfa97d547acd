import type { ClientHttp2Stream } from "node:http2";
import { PodkitError, throwIfAborted } from "@podkit/core";
import { AnswerReader } from "./answer.js";
import type { Connection } from "./connection.js";
import { parseJson } from "./fields.js";

/** Bytes of a JSON request that an agent reads. */
const MAX_JSON_REQUEST = 1024 * 1024;

/** One request whose answer is small. */
export interface SmallRequest {
  /** What it does, for messages: `Listing "/data"`. */
  readonly doing: string;
  readonly method: string;
  readonly path: string;
  /** JSON body. */
  readonly json?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a request and reads its answer whole.
 * @returns The parsed JSON; undefined where there is no body.
 * @throws What the agent answered; `unavailable` where the answer was cut; `internal` where it is none.
 */
export async function roundTrip(connection: Connection, request: SmallRequest): Promise<unknown> {
  throwIfAborted(request.doing, request.signal);
  const reader = new AnswerReader(connection, send(connection, request), request.doing, request.signal);
  return parseBody(request.doing, await reader.body);
}

/** The JSON of an answer; undefined where it has no body. */
export function parseBody(doing: string, body: Buffer): unknown {
  return body.length === 0 ? undefined : parseJson(`the answer to ${doing}`, body);
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
