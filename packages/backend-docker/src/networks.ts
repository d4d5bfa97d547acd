import { createHash } from "node:crypto";
import { type Clock, type ContainerSpec, type DeadlineOptions, PodkitError } from "@podkit/core";
import type { DockerApi } from "./api.js";
import { INTERNAL_LABEL, NETWORKS_LABEL } from "./labels.js";
import { parseJson, record, stringRecord, texts } from "./parse.js";

/** How long another program's making of the internal network is waited for. */
const OTHER_MAKES_MS = 5_000;
const POLL_MS = 50;

/**
 * Makes sure that the networks of a spec are there.
 * @throws `not_found` naming the first that is missing.
 */
export async function requireNetworks(api: DockerApi, spec: ContainerSpec, options: DeadlineOptions): Promise<void> {
  await Promise.all(
    spec.networks.map((name) =>
      api.json(
        {
          doing: `Looking for network ${name}`,
          subject: { kind: "network", name },
          method: "GET",
          path: `/networks/${encodeURIComponent(name)}`,
        },
        options,
      ),
    ),
  );
}

/** Joins the container to networks; joined already is fine. */
export async function joinNetworks(
  api: DockerApi,
  id: string,
  names: readonly string[],
  options: DeadlineOptions,
): Promise<void> {
  for (const name of names) {
    try {
      const doing = `Joining container ${id} to network ${name}`;
      await api.json(
        {
          doing,
          subject: { kind: "network", name },
          method: "POST",
          path: `/networks/${encodeURIComponent(name)}/connect`,
          body: { Container: id },
        },
        options,
      );
    } catch (error) {
      if (!(error instanceof PodkitError && /already exists in network/i.test(error.message))) throw error;
    }
  }
}

/** Networks that a container shall join, and has not: its creation was cut. */
export function missingNetworks(labels: Readonly<Record<string, string>>, joined: readonly string[]): string[] {
  const wanted = labels[NETWORKS_LABEL];
  return wanted === undefined ? [] : texts(parseJson(wanted)).filter((name) => !joined.includes(name));
}

/**
 * Makes sure that podkit's network without a way out is there. Containers on it do not see each other either: they may belong
 * to different users.
 */
export async function ensureInternalNetwork(
  api: DockerApi,
  clock: Clock,
  name: string,
  options: DeadlineOptions,
): Promise<void> {
  if (await isOurs(api, name, options)) return;
  const doing = `Making the network ${name}`;
  const body = {
    Name: name,
    CheckDuplicate: true,
    Driver: "bridge",
    Internal: true,
    Labels: { [INTERNAL_LABEL]: "true" },
    // Names of networks are not quite unique on older engines, names of bridges are: of two that make it at once one fails.
    Options: { "com.docker.network.bridge.enable_icc": "false", "com.docker.network.bridge.name": bridgeName(name) },
  };
  try {
    await api.json({ doing, method: "POST", path: "/networks/create", body }, options);
  } catch (error) {
    const deadline = clock.now() + OTHER_MAKES_MS;
    while (!(await isOurs(api, name, options))) {
      if (clock.now() >= deadline) throw error;
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve, { hold: true }));
    }
  }
}

/** A network interface's name holds 15 characters. */
function bridgeName(name: string): string {
  return `pk${createHash("sha256").update(name).digest("hex").slice(0, 11)}`;
}

async function isOurs(api: DockerApi, name: string, options: DeadlineOptions): Promise<boolean> {
  const subject = { kind: "network", name } as const;
  try {
    const doing = `Looking for the network ${name}`;
    const network = record(
      await api.json({ doing, subject, method: "GET", path: `/networks/${encodeURIComponent(name)}` }, options),
    );
    if (network["Internal"] === true && stringRecord(network["Labels"])[INTERNAL_LABEL] === "true") return true;
  } catch (error) {
    if (PodkitError.is(error, "not_found")) return false;
    throw error;
  }
  throw new PodkitError(
    "conflict",
    `The network ${JSON.stringify(name)} on this engine was not made by podkit and may lead out. Remove or rename it.`,
    {
      details: { kind: "network", name },
    },
  );
}
