import type { ClientHttp2Stream } from "node:http2";

/**
 * Resets a request whose body is not whole. Node's `close` would send the end of the body before the reset, and an agent would
 * take half of it for the whole.
 */
export function resetStream(stream: ClientHttp2Stream, error: Error): void {
  stream.destroy(error);
}
