import type { AskedTmpfs, AskedVolume } from "../config/asked.js";
import { isVolumeName } from "../names.js";
import { refuse } from "./problem.js";
import { absolutePath, boolean, bytes, fieldsOf, mountTarget, type Parse } from "./scalars.js";

/** A bind of an absolute path, or a named volume. */
export const volume: Parse<AskedVolume> = (field, value) => {
  const given = fieldsOf(field, value, ["source", "target", "readOnly"]);
  return {
    source: volumeSource(`${field}.source`, given["source"]),
    target: mountTarget(`${field}.target`, given["target"]),
    readOnly: given["readOnly"] === undefined ? false : boolean(`${field}.readOnly`, given["readOnly"]),
  };
};

const volumeSource: Parse<string> = (field, value) => {
  if (typeof value === "string" && value.startsWith("/")) return absolutePath(field, value);
  if (typeof value === "string" && isVolumeName(value)) return value;
  return refuse(
    field,
    value,
    "it takes an absolute path of the engine's machine, or a volume's name of 1 to 63 letters, digits and _ . -",
  );
};

/** A folder in memory: its path, or its path and size. */
export const tmpfs: Parse<AskedTmpfs> = (field, value) => {
  if (typeof value === "string") return { target: mountTarget(field, value) };
  const given = fieldsOf(field, value, ["target", "size"]);
  const target = mountTarget(`${field}.target`, given["target"]);
  return given["size"] === undefined ? { target } : { target, size: bytes(`${field}.size`, given["size"]) };
};
