import type { Mount, PortRequest } from "@podkit/core";
import { networkName, port } from "../validate/network.js";
import { isRecord, refuse } from "../validate/problem.js";
import { absolutePath, bytes, listOf, type Parse, text } from "../validate/scalars.js";
import type { Made } from "./record.js";

/** Reads what came of a configuration, as if a stranger had written it. @throws `invalid_argument`. */
export function parseMade(value: unknown): Made {
  if (!isRecord(value)) return refuse("made", value, "it takes an object");
  const { user, platform } = value;
  return {
    image: text(512, 1)("made.image", value["image"]),
    imageId: text(512)("made.imageId", value["imageId"]),
    ...(platform === undefined ? {} : { platform: text(64, 1)("made.platform", platform) }),
    user: user === null ? null : text(256)("made.user", user),
    ports: listOf(madePort)("made.ports", value["ports"]),
    mounts: listOf(mount)("made.mounts", value["mounts"]),
    networks: listOf(networkName)("made.networks", value["networks"]),
    program: value["program"] === true,
  };
}

const madePort: Parse<PortRequest> = (field, value) => {
  const parsed = port(field, value);
  return parsed.host === 0 ? refuse(field, value, "a drawn port is never 0") : parsed;
};

/** A mount, as a strategy or a stored record gives it. */
export const mount: Parse<Mount> = (field, value) => {
  if (!isRecord(value)) return refuse(field, value, "it takes a mount");
  const target = absolutePath(`${field}.target`, value["target"]);
  const readOnly = value["readOnly"] === true;
  switch (value["type"]) {
    case "bind":
      return { type: "bind", source: absolutePath(`${field}.source`, value["source"]), target, readOnly };
    case "volume":
      return {
        type: "volume",
        name: text(255, 1)(`${field}.name`, value["name"]),
        target,
        readOnly,
        ...volumeLabels(field, value["labels"]),
      };
    case "anonymous":
      return { type: "anonymous", target };
    case "tmpfs": {
      const size = value["sizeBytes"];
      return size === undefined
        ? { type: "tmpfs", target }
        : { type: "tmpfs", target, sizeBytes: bytes(`${field}.sizeBytes`, size) };
    }
    default:
      return refuse(`${field}.type`, value["type"], 'it takes "bind", "volume", "anonymous" or "tmpfs"');
  }
};

function volumeLabels(field: string, value: unknown): { labels?: Readonly<Record<string, string>> } {
  if (value === undefined) return {};
  if (!isRecord(value)) return refuse(`${field}.labels`, value, "it takes an object of texts");
  return {
    labels: Object.fromEntries(
      Object.entries(value).map(([name, entry]) => [name, text(4_096)(`${field}.labels`, entry)]),
    ),
  };
}
