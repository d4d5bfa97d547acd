import { type ContainerStats, type DeadlineOptions, PodkitError } from "@podkit/core";
import type { DockerApi } from "./api.js";
import { containerPath } from "./lifecycle.js";
import { count, record, time } from "./parse.js";

/** What a container uses now; one sample, without the second that the engine otherwise waits for another. */
export async function containerStats(api: DockerApi, id: string, options: DeadlineOptions): Promise<ContainerStats> {
  const subject = { kind: "container", name: id } as const;
  const query = { stream: false, "one-shot": true };
  const raw = await api.json(
    { doing: `Measuring container ${id}`, subject, method: "GET", path: `${containerPath(id)}/stats`, query },
    options,
  );
  if (time(record(raw)["read"]) === null) {
    throw new PodkitError(
      "invalid_state",
      `Container ${id} does not run, so it uses nothing that could be measured. Start it first.`,
      { details: { kind: "container", name: id, reason: "not_running" } },
    );
  }
  return parseStats(raw);
}

/** The engine's answer to `GET /containers/{id}/stats`. */
export function parseStats(raw: unknown): ContainerStats {
  const stats = record(raw);
  const memory = record(stats["memory_stats"]);
  const detail = record(memory["stats"]);
  // Pages of files that the kernel takes back by itself are no use of the container's; cgroup v1 and v2 name them differently.
  const cache = count(detail["total_inactive_file"]) || count(detail["inactive_file"]);
  return {
    cpuNanos: count(record(record(stats["cpu_stats"])["cpu_usage"])["total_usage"]),
    memoryBytes: Math.max(0, count(memory["usage"]) - cache),
    pids: count(record(stats["pids_stats"])["current"]),
  };
}
