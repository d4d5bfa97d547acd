import { type ContainerSpec, type DeadlineOptions, PodkitError } from "@podkit/core";
import type { DockerApi } from "./api.js";
import { INTERNAL_LABEL, NETWORKS_LABEL } from "./labels.js";
import { list, parseJson, record, text, texts } from "./parse.js";

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
 * The id of podkit's network without a way out, made where it is missing. Containers on it do not see each other either: they may
 * belong to different users.
 */
export async function internalNetwork(api: DockerApi, name: string, options: DeadlineOptions): Promise<string> {
  const found = await ownNetworks(api, name, options);
  if (found !== undefined) return found;
  const doing = `Making the network ${name}`;
  const body = {
    Name: name,
    CheckDuplicate: true,
    Driver: "bridge",
    Internal: true,
    Labels: { [INTERNAL_LABEL]: "true" },
    Options: { "com.docker.network.bridge.enable_icc": "false" },
  };
  try {
    await api.json({ doing, method: "POST", path: "/networks/create", body }, options);
  } catch (error) {
    if (!PodkitError.is(error, "already_exists") && !PodkitError.is(error, "conflict")) throw error;
  }
  const made = await ownNetworks(api, name, options);
  if (made !== undefined) return made;
  throw new PodkitError(
    "conflict",
    `There is a network ${JSON.stringify(name)} on this engine that podkit did not make. Remove or rename it.`,
    { details: { kind: "network", name } },
  );
}

// Names of networks are not quite unique on older engines: everyone takes the one with the smallest id.
async function ownNetworks(api: DockerApi, name: string, options: DeadlineOptions): Promise<string | undefined> {
  const query = { filters: { name: [name], label: [`${INTERNAL_LABEL}=true`] } };
  const found = list(
    await api.json({ doing: `Looking for the network ${name}`, method: "GET", path: "/networks", query }, options),
  ).map(record);
  return found
    .filter((network) => network["Name"] === name && network["Internal"] === true)
    .map((network) => text(network["Id"]))
    .sort()[0];
}
