import { type DeadlineOptions, PodkitError } from "@podkit/core";
import type { DockerApi } from "../api.js";
import { AGENT_VOLUME_LABEL } from "../labels.js";
import { list, record, text } from "../parse.js";

const DOING = "Removing agents that nothing uses";

/** Removes the volumes of agents that no container uses, and gives their names. The engine itself refuses those in use. */
export async function pruneAgentVolumes(api: DockerApi, prefix: string, options: DeadlineOptions): Promise<string[]> {
  const query = { filters: { label: [AGENT_VOLUME_LABEL] } };
  const raw = record(await api.json({ doing: DOING, method: "GET", path: "/volumes", query }, options));
  const names = list(raw["Volumes"])
    .map((volume) => text(record(volume)["Name"]))
    .filter((name) => name.startsWith(`${prefix}-`));
  const volumes = names.filter((name) => !name.endsWith(".filled"));
  const removed: string[] = [];
  for (const name of volumes) if (await removeVolume(api, name, options)) removed.push(name);
  // The mark goes after its volume: the other way round a volume in use would be filled again for nothing.
  const orphans = names.filter((name) => name.endsWith(".filled") && !stays(name, volumes, removed));
  for (const name of orphans) await removeVolume(api, name, options);
  return removed;
}

function stays(mark: string, volumes: readonly string[], removed: readonly string[]): boolean {
  const volume = mark.slice(0, -".filled".length);
  return volumes.includes(volume) && !removed.includes(volume);
}

async function removeVolume(api: DockerApi, name: string, options: DeadlineOptions): Promise<boolean> {
  try {
    await api.json(
      { doing: DOING, subject: { kind: "volume", name }, method: "DELETE", path: `/volumes/${name}` },
      options,
    );
    return true;
  } catch (error) {
    if (PodkitError.is(error, "conflict") || PodkitError.is(error, "not_found")) return false;
    throw error;
  }
}
