import { refuse } from "./problem.js";
import type { Parse } from "./scalars.js";

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;
const PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}$/;
const ID = /^sha256:[0-9a-f]{64}$/;

/** An image reference, taken apart. */
interface ImageReference {
  readonly host: string | undefined;
  readonly path: readonly string[];
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** An image reference such as `python:3.11-alpine`, `registry.example.com:5000/team/app@sha256:…`, or an image's id. */
export const imageReference: Parse<string> = (field, value) => {
  const right =
    "it takes an image reference in lower case, such as python:3.11-alpine or registry.example.com/team/app:1";
  if (typeof value !== "string" || value.length > 512) return refuse(field, value, right);
  return ID.test(value) || split(value) !== undefined ? value : refuse(field, value, right);
};

/** The same image always in the same words: `python` is `docker.io/library/python:latest`. */
export function canonicalImage(reference: string): string {
  const parts = ID.test(reference) ? undefined : split(reference);
  if (parts === undefined) return reference;
  const host = parts.host === undefined || parts.host === "index.docker.io" ? "docker.io" : parts.host;
  const path = host === "docker.io" && parts.path.length === 1 ? ["library", ...parts.path] : parts.path;
  const tag = parts.tag ?? (parts.digest === undefined ? "latest" : undefined);
  const end = `${tag === undefined ? "" : `:${tag}`}${parts.digest === undefined ? "" : `@${parts.digest}`}`;
  return `${host}/${path.join("/")}${end}`;
}

function split(reference: string): ImageReference | undefined {
  const at = reference.indexOf("@");
  const digest = at < 0 ? undefined : reference.slice(at + 1);
  const rest = at < 0 ? reference : reference.slice(0, at);
  const colon = rest.lastIndexOf(":");
  const tag = colon > rest.lastIndexOf("/") ? rest.slice(colon + 1) : undefined;
  const parts = (tag === undefined ? rest : rest.slice(0, colon)).split("/");
  const first = parts[0] ?? "";
  // As Docker decides it: only a dot, a port or "localhost" makes the first part a registry's host.
  const host = parts.length > 1 && (/[.:]/.test(first) || first === "localhost") ? first : undefined;
  const path = host === undefined ? parts : parts.slice(1);
  if (host !== undefined && !HOST.test(host)) return undefined;
  if (!path.every((part) => PART.test(part)) || path.join("/").length > 255) return undefined;
  if ((tag !== undefined && !TAG.test(tag)) || (digest !== undefined && !DIGEST.test(digest))) return undefined;
  return { host, path, tag, digest };
}
