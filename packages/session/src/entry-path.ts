import { PodkitError, quote } from "@podkit/core";

const MAX_PATH_BYTES = 4096;
const MAX_NAME_BYTES = 255;
const MAX_DEPTH = 256;

/** What is said of an entry that would leave the target. */
export function refused(name: string, why: string): PodkitError {
  return new PodkitError(
    "permission_denied",
    `${quote(name)} of the container was not taken, as ${why}; nothing was kept.`,
    {
      details: { reason: "unsafe_entry", entry: name.slice(0, 200) },
    },
  );
}

/**
 * An entry's name as parts below the target; empty for the target itself.
 * @throws `permission_denied` where it is absolute, has `..` or a NUL, or is longer or deeper than files here may be.
 */
export function entryParts(name: string): string[] {
  if (name.includes("\0")) throw refused(name, "its name has a NUL");
  if (name.startsWith("/")) throw refused(name, "its name is absolute");
  if (Buffer.byteLength(name) > MAX_PATH_BYTES) throw refused(name, `its name is longer than ${MAX_PATH_BYTES} bytes`);
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw refused(name, "its name leads out of the folder");
  if (parts.length > MAX_DEPTH) throw refused(name, `it lies deeper than ${MAX_DEPTH} folders`);
  if (parts.some((part) => Buffer.byteLength(part) > MAX_NAME_BYTES))
    throw refused(name, `a part of its name is longer than ${MAX_NAME_BYTES} bytes`);
  return parts;
}

/**
 * Checks a symbolic link's target. It must be relative, with `..` only at its front and no more of them than the link lies deep: a `..`
 * after a name could leave through another link that the name stands for.
 * @throws `permission_denied` where it leads out, or might.
 */
export function checkLinkTarget(parts: readonly string[], target: string): void {
  const name = parts.join("/");
  if (target === "" || target.includes("\0")) throw refused(name, "its link is broken");
  if (Buffer.byteLength(target) > MAX_PATH_BYTES)
    throw refused(name, `its link is longer than ${MAX_PATH_BYTES} bytes`);
  if (target.startsWith("/")) throw refused(name, `it is a link to the absolute path ${quote(target)}`);
  const steps = target.split("/").filter((part) => part !== "" && part !== ".");
  const firstName = steps.findIndex((part) => part !== "..");
  const ups = firstName === -1 ? steps.length : firstName;
  if (ups > parts.length - 1) throw refused(name, `it is a link that leads out of the folder, to ${quote(target)}`);
  if (steps.slice(ups).includes("..")) throw refused(name, `it is a link with ".." after a name, to ${quote(target)}`);
}
