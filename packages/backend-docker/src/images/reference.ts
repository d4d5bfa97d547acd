import { PodkitError, quote } from "@podkit/core";

/** An image's name, taken apart as Docker does. */
export interface ImageReference {
  /** Host of the registry; `docker.io` where none is named. */
  readonly registry: string;
  /** The name without tag and digest, as the engine takes it. */
  readonly name: string;
  /** `latest` where none is named; a digest wins over a tag. */
  readonly tagOrDigest: string;
}

const REFERENCE =
  /^(?<name>[a-zA-Z0-9][a-zA-Z0-9._:/-]*?)(?::(?<tag>[\w][\w.-]{0,127}))?(?:@(?<digest>[a-z0-9+._-]+:[0-9a-fA-F]{32,}))?$/;

/**
 * Takes an image's name apart.
 * @throws `invalid_argument` for what is none.
 */
export function parseReference(image: string): ImageReference {
  const { name, tag, digest } = (image.length <= 512 ? REFERENCE.exec(image)?.groups : undefined) ?? {};
  if (name === undefined || /[:/]$/.test(name) || name.includes("//")) {
    throw new PodkitError(
      "invalid_argument",
      `${quote(image)} is no image: it takes a name such as "python:3.11-alpine" or "registry.example.com/team/app@sha256:…".`,
      {
        details: { field: "image" },
      },
    );
  }
  const first = name.includes("/") ? name.slice(0, name.indexOf("/")) : "";
  const isHost = first.includes(".") || first.includes(":") || first === "localhost";
  return { registry: isHost ? first : "docker.io", name, tagOrDigest: digest ?? tag ?? "latest" };
}

/** A registry's address as credentials are kept under: a host without scheme and path, Docker Hub by one name. */
export function registryHost(address: string): string {
  const host = address.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"].includes(host) ? "docker.io" : host;
}
