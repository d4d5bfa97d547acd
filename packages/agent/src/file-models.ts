import type { FileChange, FileInfo } from "@podkit/core";
import { Fields } from "./fields.js";
import { protocolError } from "./violation.js";

const MAX_ENTRIES = 100_000;

/** Reads a FileInfo. @throws `internal` (reason `protocol`). */
export function parseFileInfo(value: unknown): FileInfo {
  const fields = new Fields("FileInfo", value);
  const target = fields.nullable("target", () => fields.string("target", 65_536));
  return {
    path: absolutePath(fields),
    name: fileName(fields),
    type: fields.word("type", ["file", "directory", "symlink", "other"]),
    size: fields.integer("size"),
    mode: fields.integer("mode", 0, 0o7777),
    uid: fields.integer("uid", 0, 2 ** 32 - 1),
    gid: fields.integer("gid", 0, 2 ** 32 - 1),
    mtimeMs: fields.number("mtimeMs", Number.MIN_SAFE_INTEGER),
    ...(target === null ? undefined : { target }),
  };
}

/** Reads a listing. @throws `internal` (reason `protocol`). */
export function parseListing(value: unknown): { entries: FileInfo[]; truncated: boolean } {
  const fields = new Fields("listing", value);
  return { entries: fields.list("entries", MAX_ENTRIES).map(parseFileInfo), truncated: fields.boolean("truncated") };
}

/** Reads one line of a watch; null for its first, which says that it watches. @throws `internal` (reason `protocol`). */
export function parseChange(value: unknown): FileChange | null {
  const fields = new Fields("change", value);
  const type = fields.word("type", ["ready", "created", "modified", "removed", "renamed", "overflow"]);
  return type === "ready" ? null : { type, path: absolutePath(fields) };
}

function absolutePath(fields: Fields): string {
  const path = fields.string("path", 65_536);
  if (path.startsWith("/") && !path.includes("\0")) return path;
  throw protocolError("a path that is not absolute");
}

/** One element of a path: callers join it to folders of their own. */
function fileName(fields: Fields): string {
  const name = fields.string("name", 4096);
  const isRoot = name === "/" || name === "";
  if (isRoot ? absolutePath(fields) === "/" : !name.includes("/") && !name.includes("\0") && name !== "..") return name;
  throw protocolError("a file's name that is none");
}
