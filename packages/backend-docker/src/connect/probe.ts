import { PodkitError } from "@podkit/core";
import { DockerApi } from "../api.js";
import { record, text } from "../parse.js";
import { type Candidate, candidates, type DockerConnectionOptions, type Surroundings } from "./candidates.js";
import { clientFor } from "./client-for.js";
import { machineSurroundings } from "./surroundings.js";

/** A place that was tried, and what came of it. */
export interface DockerProbe {
  /** What named it, such as `DOCKER_HOST`, `context "colima"`, `socket`. */
  readonly source: string;
  /** Such as `unix:///var/run/docker.sock`; empty where what was named cannot be read. */
  readonly endpoint: string;
  readonly ok: boolean;
  /** Of the engine; absent where none answered. */
  readonly version?: string | undefined;
  /** Absent where it answered. */
  readonly error?: string | undefined;
}

/** Options of {@link probe}. */
export interface ProbeOptions extends DockerConnectionOptions {
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** For one place. Default 3 000 ms. */
  readonly timeoutMs?: number | undefined;
}

/** Tries every place where Docker may be, in the order in which a backend would, and tells what answered. Never rejects. */
export async function probe(options: ProbeOptions = {}): Promise<DockerProbe[]> {
  const around = machineSurroundings(options.env ?? process.env);
  try {
    const places = candidates(options, around);
    return await Promise.all(places.map((place) => tryPlace(place, around, options.timeoutMs ?? 3_000)));
  } catch (error) {
    return [{ source: "configuration", endpoint: "", ok: false, error: words(error) }];
  }
}

async function tryPlace(place: Candidate, around: Surroundings, timeoutMs: number): Promise<DockerProbe> {
  const found = { source: place.source, endpoint: place.endpoint.url };
  const owned = clientFor(place.endpoint, around.env["SSH_AUTH_SOCK"]);
  try {
    const api = new DockerApi(owned.client, place.endpoint.url);
    const raw = record(await api.json({ doing: "Looking for Docker", method: "GET", path: "/version" }, { timeoutMs }));
    return { ...found, ok: true, version: text(raw["Version"]) };
  } catch (error) {
    return { ...found, ok: false, error: words(error) };
  } finally {
    owned.close();
  }
}

function words(error: unknown): string {
  const reason = PodkitError.is(error, "unavailable") ? text(error.details["reason"]) : "";
  return reason || (error instanceof Error ? error.message : String(error));
}
