import type { ClientHttp2Stream } from "node:http2";
import { PodkitError, throwIfAborted } from "@podkit/core";
import type { ActiveTime } from "./active-time.js";
import { AnswerReader } from "./answer.js";
import type { Connection } from "./connection.js";
import { parseBody, type SmallRequest } from "./request.js";
import { StallWatch } from "./stall.js";

/** Bytes that are handed to node at once. */
const PIECE = 256 * 1024;

/** A request whose body may be large. */
export interface UploadRequest extends Omit<SmallRequest, "json"> {
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
}

/**
 * Sends a body and reads the answer. Where the source fails the request is reset, so that the agent takes nothing for whole.
 * @throws What the agent answered, also before it took the whole body; what the source threw; `unavailable` where it was cut.
 */
export async function upload(connection: Connection, time: ActiveTime, request: UploadRequest): Promise<unknown> {
  const { doing, method, path, content, signal } = request;
  throwIfAborted(doing, signal);
  const stream = connection.request(
    method,
    path,
    content instanceof Uint8Array ? { "content-length": content.length } : undefined,
  );
  const reader = new AnswerReader(connection, stream, doing, signal);
  const watch = new StallWatch(time, doing, (error) => reader.fail(error));
  try {
    const source = content instanceof Uint8Array ? pieces(content) : content[Symbol.asyncIterator]();
    await pump(stream, reader, watch, source, doing);
    watch.wait();
    return parseBody(doing, await reader.body);
  } finally {
    watch.stop();
  }
}

async function pump(
  stream: ClientHttp2Stream,
  reader: AnswerReader,
  watch: StallWatch,
  source: AsyncIterator<Uint8Array>,
  doing: string,
): Promise<void> {
  const unlessAnswered = interruptedBy(reader.body);
  try {
    while (!reader.settled) {
      const turn = await unlessAnswered(source.next());
      if (turn === undefined || reader.settled) break;
      if (turn.done === true) {
        stream.end();
        return;
      }
      if (!(turn.value instanceof Uint8Array)) throw notBytes(doing);
      if (stream.write(turn.value)) continue;
      watch.wait();
      await unlessAnswered(drained(stream));
      watch.rest();
    }
  } catch (error) {
    reader.fail(error instanceof Error ? error : new Error(String(error)));
  }
  // Nobody waits for a source that is given up: it may wait itself.
  Promise.resolve(source.return?.()).catch(() => undefined);
}

/**
 * Waits for one piece of work after another, or for the end of `over`, which gives undefined. It leaves one reaction on `over` in all: a race a
 * turn would leave one each, and keep every piece that came until the end.
 */
function interruptedBy(over: Promise<unknown>): <T>(work: Promise<T>) => Promise<T | undefined> {
  let wake: () => void = () => undefined;
  const settled = (): void => wake();
  over.then(settled, settled);
  return (work) =>
    new Promise((resolve, reject) => {
      wake = () => resolve(undefined);
      work.then(resolve, reject);
    });
}

function drained(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      stream.off("drain", settle);
      stream.off("close", settle);
      resolve();
    };
    stream.on("drain", settle);
    stream.on("close", settle);
  });
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

function notBytes(doing: string): PodkitError {
  return new PodkitError("invalid_argument", `${doing} was given up: its content has a piece that is no Uint8Array.`);
}
