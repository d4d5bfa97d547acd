import { type Clock, PodkitError, type PullProgress, type Timer, timeoutError } from "@podkit/core";
import type { DockerApi } from "../api.js";
import { engineWords, statusOf } from "../errors.js";
import { jsonLines } from "../json-lines.js";
import { count, type Json, record, text } from "../parse.js";
import { pullError } from "./pull-error.js";
import type { ImageReference } from "./reference.js";

/** How long a pull may stand still; how long it takes as a whole depends on the image. */
const STALL_MS = 300_000;

/** One pull. */
export interface PullRequest {
  readonly image: string;
  readonly reference: ImageReference;
  readonly platform: string | undefined;
  readonly registryAuth: string | undefined;
  readonly onProgress: (progress: PullProgress) => void;
  readonly signal: AbortSignal;
}

/** Pulls an image and tells how it gets on. @throws `not_found`, `unauthenticated`, `unavailable`: naming the image. */
export async function pullImage(api: DockerApi, clock: Clock, request: PullRequest): Promise<void> {
  const { image, reference, platform, registryAuth } = request;
  const query = {
    fromImage: reference.name,
    tag: reference.tagOrDigest,
    ...(platform === undefined ? {} : { platform }),
  };
  const doing = `Pulling image ${image}`;
  const stall = new StallGuard(clock, doing);
  const signal = AbortSignal.any([request.signal, stall.signal]);
  try {
    const auth = registryAuth === undefined ? {} : { registryAuth };
    const stream = await api.stream(
      { doing, method: "POST", path: "/images/create", query, ...auth },
      { signal, timeoutMs: STALL_MS },
    );
    const stop = (): void => void stream.destroy();
    signal.addEventListener("abort", stop, { once: true });
    try {
      if (signal.aborted) stream.destroy();
      for await (const line of jsonLines(stream)) {
        stall.moved();
        report(record(line), request);
      }
    } finally {
      signal.removeEventListener("abort", stop);
      stream.destroy();
    }
  } catch (error) {
    throw stall.error ?? failure(image, error);
  } finally {
    stall.stop();
  }
}

function report(line: Json, { image, onProgress }: PullRequest): void {
  const failed = text(line["error"]) || text(record(line["errorDetail"])["message"]);
  if (failed !== "") throw pullError(image, failed);
  const detail = record(line["progressDetail"]);
  const layer = text(line["id"]);
  const current = count(detail["current"]);
  const total = count(detail["total"]);
  onProgress({
    image,
    status: text(line["status"]),
    ...(layer === "" ? {} : { layer }),
    ...(current > 0 ? { currentBytes: current } : {}),
    ...(total > 0 ? { totalBytes: total } : {}),
  });
}

function failure(image: string, error: unknown): unknown {
  const said = error instanceof PodkitError ? error.cause : error;
  return statusOf(said) === null ? error : pullError(image, engineWords(said), said);
}

/** Gives its signal when nothing moved for too long. */
class StallGuard {
  readonly #clock: Clock;
  readonly #doing: string;
  readonly #controller = new AbortController();
  #timer: Timer;
  error: PodkitError | undefined;

  constructor(clock: Clock, doing: string) {
    this.#clock = clock;
    this.#doing = doing;
    this.#timer = this.#arm();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  moved(): void {
    this.#timer.cancel();
    this.#timer = this.#arm();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #arm(): Timer {
    return this.#clock.after(STALL_MS, () => {
      this.error = timeoutError(`${this.#doing} (nothing came from the registry; its next step)`, STALL_MS);
      this.#controller.abort(this.error);
    });
  }
}
