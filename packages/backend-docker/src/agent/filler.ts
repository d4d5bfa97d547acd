import { randomUUID } from "node:crypto";
import { type AgentSource, PodkitError } from "@podkit/core";
import type { DockerApi } from "../api.js";
import { AGENT_VOLUME_LABEL, NONCE_LABEL } from "../labels.js";
import { record, text, time } from "../parse.js";
import { AGENT_FOLDER } from "../spec.js";
import { agentArchive } from "./archive.js";

/** For which image and platform an agent is wanted. */
export interface AgentRequest {
  readonly agent: AgentSource;
  /** Any image that is there: a filler container is made of it and never started. */
  readonly image: string;
  readonly platform: string;
  /** Given where the caller asked for one: then the filler must be of it too. */
  readonly askedPlatform?: string | undefined;
  /** Milliseconds that the engine's clock is ahead of this program's. */
  readonly clockAheadMs: number;
}

/** The names on the engine that belong to one agent. */
export interface AgentVolumeNames {
  readonly volume: string;
  /** An empty volume that is there once the other was filled. */
  readonly filled: string;
  /** The container that fills it: its name is the lock between programs. */
  readonly filler: string;
}

const DOING = "Putting podkit's agent on the engine";

/** Makes the filler of a volume, and with it the volume; undefined where another program's is there. */
export async function createFiller(
  api: DockerApi,
  request: AgentRequest,
  names: AgentVolumeNames,
): Promise<string | undefined> {
  const labels = { [AGENT_VOLUME_LABEL]: request.agent.version };
  const mount = {
    Type: "volume",
    Source: names.volume,
    Target: AGENT_FOLDER,
    VolumeOptions: { NoCopy: true, Labels: labels },
  };
  const body = {
    Image: request.image,
    Entrypoint: ["/never-started"],
    Cmd: [],
    Labels: { ...labels, [NONCE_LABEL]: randomUUID() },
    HostConfig: { Mounts: [mount], NetworkMode: "none", LogConfig: { Type: "none" } },
  };
  const query = {
    name: names.filler,
    ...(request.askedPlatform === undefined ? {} : { platform: request.askedPlatform }),
  };
  const subject = { kind: "image", name: request.image } as const;
  try {
    const made = await api.json({ doing: DOING, subject, method: "POST", path: "/containers/create", query, body });
    return text(record(made)["Id"]);
  } catch (error) {
    if (PodkitError.is(error, "already_exists")) return undefined;
    throw error;
  }
}

/** Puts the agent through a filler into its volume. */
export async function putAgent(api: DockerApi, filler: string, { agent, platform }: AgentRequest): Promise<void> {
  const [binary, sha] = await Promise.all([agent.binary(platform), agent.sha256(platform)]);
  const file = await agentArchive(binary, sha);
  const subject = { kind: "container", name: filler } as const;
  const path = `/containers/${filler}/archive`;
  await api.json({ doing: DOING, subject, method: "PUT", path, query: { path: AGENT_FOLDER }, file });
}

/** A filler's id and age by the engine's clock; undefined where there is none. */
export async function findFiller(
  api: DockerApi,
  name: string,
): Promise<{ readonly id: string; readonly createdAt: number | null } | undefined> {
  const subject = { kind: "container", name } as const;
  try {
    const raw = record(await api.json({ doing: DOING, subject, method: "GET", path: `/containers/${name}/json` }));
    return { id: text(raw["Id"]), createdAt: time(raw["Created"]) };
  } catch (error) {
    if (PodkitError.is(error, "not_found")) return undefined;
    throw error;
  }
}

/** Removes a filler; gone already is fine. */
export async function removeFiller(api: DockerApi, id: string): Promise<void> {
  try {
    await api.json({ doing: DOING, method: "DELETE", path: `/containers/${id}`, query: { force: true } });
  } catch (error) {
    if (!PodkitError.is(error, "not_found") && !PodkitError.is(error, "conflict")) throw error;
  }
}
