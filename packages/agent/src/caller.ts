import { PodkitError } from "@podkit/core";
import type { Connection } from "./connection.js";
import type { Connector } from "./connector.js";
import { type DownloadRequest, openDownload } from "./download.js";
import { jsonLines } from "./json-lines.js";
import { roundTrip, type SmallRequest } from "./request.js";
import { type UploadRequest, upload } from "./upload.js";

/** Milliseconds that an agent has for a small answer, and for the beginning of a large one. */
const ANSWER_MS = 30_000;

/** How a request may be treated. */
export interface RequestRules {
  /** Doing it twice is as doing it once: it is sent again where it was cut, and its failure may be retried. Default false. */
  readonly idempotent?: boolean;
  /** Milliseconds until it is given up; null: none, where the wait is the purpose. Default 30 000. */
  readonly timeoutMs?: number | null;
}

/** Makes requests other than commands: over the one connection, bounded, and once more where they were cut and may be. */
export class Caller {
  readonly #connector: Connector;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  /** @param parse Reads the JSON of the answer; undefined where it has no body. */
  ask<T>(request: SmallRequest, parse: (answer: unknown) => T, rules: RequestRules = {}): Promise<T> {
    return this.#run(request, rules, async (connection, signal) =>
      parse(await roundTrip(connection, { ...request, signal })),
    );
  }

  /** Sends a body of any size; bytes in memory are sent again where they were cut. */
  upload<T>(request: UploadRequest, parse: (answer: unknown) => T): Promise<T> {
    const rules = { idempotent: request.content instanceof Uint8Array, timeoutMs: null };
    return this.#run(request, rules, async (connection, signal) =>
      parse(await upload(connection, this.#connector.time, { ...request, signal })),
    );
  }

  /** Reads a body of any size, as it is asked for. */
  download(request: DownloadRequest): AsyncGenerator<Buffer> {
    return this.#read(request, (chunks) => chunks);
  }

  /** Reads the JSON lines of a body as they come; what `parse` makes null is left out. */
  lines<T>(request: DownloadRequest, parse: (line: unknown) => T | null): AsyncGenerator<T> {
    return this.#read(request, (chunks) => jsonLines(chunks, parse));
  }

  async *#read<T>(
    request: DownloadRequest,
    read: (chunks: AsyncGenerator<Buffer>) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    let connection: Connection | undefined;
    this.#connector.begin();
    try {
      const open = (usable: Connection, signal: AbortSignal) => openDownload(usable, request, signal);
      const download = await this.#run(request, { idempotent: true }, open);
      connection = download.connection;
      yield* read(download.chunks(this.#connector.time));
    } catch (error) {
      this.#judge(error, connection);
      throw error;
    } finally {
      this.#connector.end();
    }
  }

  async #run<T>(
    { doing, signal }: Pick<SmallRequest, "doing" | "signal">,
    { idempotent = false, timeoutMs = ANSWER_MS }: RequestRules,
    run: (connection: Connection, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const limits = { signal, timeoutMs: timeoutMs ?? undefined };
    this.#connector.begin();
    try {
      return await this.#connector.time.bounded(doing, limits, async (bound) => {
        try {
          return await this.#once(bound, run);
        } catch (error) {
          if (!isCut(error)) throw error;
          if (!idempotent) throw unsureError(doing, error);
          return await this.#once(bound, run);
        }
      });
    } finally {
      this.#connector.end();
    }
  }

  async #once<T>(signal: AbortSignal, run: (connection: Connection, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { connection } = await this.#connector.acquire();
    try {
      return await run(connection, signal);
    } catch (error) {
      this.#judge(error, connection);
      throw error;
    }
  }

  /** A connection over which the protocol was broken is not used any more. */
  #judge(error: unknown, connection: Connection | undefined): void {
    if (connection === undefined || !PodkitError.is(error, "internal")) return;
    if (error.details["reason"] === "protocol") this.#connector.violated(connection, error);
  }
}

function isCut(error: unknown): error is PodkitError {
  return PodkitError.is(error, "unavailable") && error.details["reason"] === "cut";
}

/** What was cut may have been done, and must not be done twice. */
function unsureError(doing: string, cause: PodkitError): PodkitError {
  return new PodkitError(
    "unavailable",
    `${doing} was cut: the connection to the agent ended. It may have been done; look before you try again.`,
    {
      retryable: false,
      cause,
      details: { reason: "cut" },
    },
  );
}

/** For answers that say nothing. */
export function nothing(): void {}
