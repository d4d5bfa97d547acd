import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { type ErrorCode, PodkitError } from "@podkit/core";

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  invalid_argument: 400,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  invalid_state: 409,
  exec_lost: 410,
  unsupported: 501,
  resource_exhausted: 507,
};

const MAX_JSON_BYTES = 1024 * 1024;

/** A request as the routes see it. */
export interface Call {
  readonly method: string;
  /** Path without `/v1`, cut at `/`. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly stream: ServerHttp2Stream;
}

/** Reads method, path and query. @throws `not_found` for what is no path of the protocol. */
export function readCall(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Call {
  const url = new URL(headers[":path"]?.toString() ?? "/", "http://agent");
  const [empty, version, ...path] = url.pathname.split("/").map(decodeURIComponent);
  if (empty !== "" || version !== "v1") throw new PodkitError("not_found", `there is no ${url.pathname}.`);
  return { method: headers[":method"]?.toString() ?? "GET", path, query: url.searchParams, stream };
}

/** Answers with JSON. */
export function sendJson(stream: ServerHttp2Stream, value: unknown, status = 200): void {
  if (stream.destroyed) return;
  stream.respond({ ":status": status, "content-type": "application/json" });
  stream.end(JSON.stringify(value));
}

/** Answers with no body. */
export function sendNothing(stream: ServerHttp2Stream, status = 204): void {
  if (stream.destroyed) return;
  stream.respond({ ":status": status });
  stream.end();
}

/** Answers with a failure; one that is no `PodkitError` is `internal`. */
export function sendError(stream: ServerHttp2Stream, error: unknown): void {
  if (stream.destroyed) return;
  if (stream.headersSent) {
    stream.close();
    return;
  }
  const failure = PodkitError.is(error)
    ? error
    : new PodkitError("internal", error instanceof Error ? error.message : String(error));
  sendJson(
    stream,
    { code: failure.code, message: failure.message, details: failure.details },
    STATUS[failure.code] ?? 500,
  );
}

/** The whole body. @throws `invalid_argument` where it is too long. */
export async function readBody(stream: ServerHttp2Stream, limit = MAX_JSON_BYTES): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > limit) throw new PodkitError("invalid_argument", `the body is longer than ${limit} bytes.`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
