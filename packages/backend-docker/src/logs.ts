import type { Readable } from "node:stream";
import { type LogChunk, type LogOptions, PodkitError } from "@podkit/core";
import type { DockerApi } from "./api.js";
import { inspectRaw } from "./create.js";
import { following } from "./follow.js";
import { containerPath } from "./lifecycle.js";
import { record } from "./parse.js";
import { StdcopyDemuxer } from "./stdcopy.js";

/** What PID 1 wrote, as bytes. */
export async function* containerLogs(
  api: DockerApi,
  id: string,
  options: LogOptions,
): AsyncGenerator<LogChunk, void, undefined> {
  const subject = { kind: "container", name: id } as const;
  const doing = `Reading the log of container ${id}`;
  const call = { signal: options.signal };
  const tty = record(record(await inspectRaw(api, id, call))["Config"])["Tty"] === true;
  const query = { stdout: true, stderr: true, follow: options.follow === true, tail: options.tail ?? "all" };
  const stream = await api.stream({ doing, subject, method: "GET", path: `${containerPath(id)}/logs`, query }, call);
  yield* following({ api, doing, subject }, stream, call, tty ? rawChunks(stream) : demuxed(stream));
}

async function* rawChunks(stream: Readable): AsyncGenerator<LogChunk, void, undefined> {
  for await (const chunk of stream) {
    const data: Buffer = chunk;
    yield { stream: "stdout", data };
  }
}

async function* demuxed(stream: Readable): AsyncGenerator<LogChunk, void, undefined> {
  let ready: LogChunk[] = [];
  const demuxer = new StdcopyDemuxer((name, data) => ready.push({ stream: name, data }));
  for await (const chunk of stream) {
    const bytes: Buffer = chunk;
    demuxer.write(bytes);
    const now = ready;
    ready = [];
    yield* now;
  }
  if (!demuxer.atBoundary)
    throw new PodkitError(
      "unavailable",
      "The log ended in the middle of a line's frame: the connection to the engine was lost. Read it again.",
    );
}
