import type { Readable } from "node:stream";
import { type BackendEvent, type CallOptions, PodkitError } from "@podkit/core";
import type { DockerApi } from "./api.js";
import { following } from "./follow.js";
import { jsonLines } from "./json-lines.js";
import { count, record, text } from "./parse.js";

const TYPES: Readonly<Record<string, BackendEvent["type"]>> = {
  create: "created",
  start: "started",
  die: "stopped",
  pause: "paused",
  unpause: "unpaused",
  destroy: "removed",
  oom: "oom",
};

/** What happens to containers with these labels. */
export async function* containerEvents(
  api: DockerApi,
  labels: Readonly<Record<string, string>>,
  options: CallOptions,
): AsyncGenerator<BackendEvent, void, undefined> {
  const doing = "Following Docker's events";
  const filters = {
    type: ["container"],
    event: Object.keys(TYPES),
    label: Object.entries(labels).map(([name, value]) => `${name}=${value}`),
  };
  const stream = await api.stream({ doing, method: "GET", path: "/events", query: { filters } }, options);
  yield* following({ api, doing }, stream, options, parsed(stream, api.endpoint));
}

async function* parsed(stream: Readable, endpoint: string): AsyncGenerator<BackendEvent, void, undefined> {
  for await (const raw of jsonLines(stream)) {
    const event = containerEvent(raw);
    if (event !== undefined) yield event;
  }
  throw new PodkitError(
    "unavailable",
    `Docker at ${endpoint} ended its stream of events: it was stopped, or the connection was cut. Ask for events again once it answers.`,
  );
}

/** One event of the engine; undefined for what podkit does not know. */
export function containerEvent(raw: unknown): BackendEvent | undefined {
  const event = record(raw);
  const actor = record(event["Actor"]);
  const attributes = record(actor["Attributes"]);
  const type = TYPES[text(event["Action"])];
  const id = text(actor["ID"]);
  if (type === undefined || id === "") return undefined;
  const exitCode = type === "stopped" ? Number.parseInt(text(attributes["exitCode"]), 10) : Number.NaN;
  const at = count(event["timeNano"]) / 1e6 || count(event["time"]) * 1000;
  return {
    type,
    id,
    name: text(attributes["name"]),
    at: Math.floor(at),
    ...(Number.isNaN(exitCode) ? {} : { exitCode }),
  };
}
