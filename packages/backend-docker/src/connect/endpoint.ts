import { PodkitError, quote } from "@podkit/core";

/** Certificates of a TLS connection. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** False: the engine's certificate is not checked. */
  readonly verify: boolean;
}

/** A place where an engine may answer. */
export type DockerEndpoint =
  | { readonly kind: "socket"; readonly url: string; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly url: string;
      readonly host: string;
      readonly port: number;
      readonly tls?: TlsFiles | undefined;
    }
  | {
      readonly kind: "ssh";
      readonly url: string;
      readonly host: string;
      readonly port: number;
      readonly username?: string | undefined;
    };

/** The path of Docker's named pipe on Windows. */
export const WINDOWS_PIPE = "//./pipe/docker_engine";

// `host` and `host:port`, as the docker command takes them.
const BARE = /^[^\s/:]+(:\d+)?$/;

/**
 * Reads an address as `DOCKER_HOST` and docker contexts have it: `unix://`, `npipe://`, `tcp://`, `http://`, `https://`, `ssh://`.
 * @throws `invalid_argument` naming where the address came from.
 */
export function parseEndpoint(address: string, source: string, tls?: TlsFiles): DockerEndpoint {
  const pipe = /^(unix|npipe):\/\/(.*)$/.exec(address);
  if (pipe?.[1] !== undefined)
    return socketEndpoint(pipe[2] || (pipe[1] === "npipe" ? WINDOWS_PIPE : "/var/run/docker.sock"), pipe[1]);
  const url = address.includes("://")
    ? parseUrl(address)
    : BARE.test(address)
      ? parseUrl(`tcp://${address}`)
      : undefined;
  if (url === undefined || url.hostname === "") throw refused(address, source);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (url.protocol === "ssh:") {
    const username = url.username === "" ? undefined : decodeURIComponent(url.username);
    return { kind: "ssh", url: `ssh://${host}`, host, port: Number(url.port || 22), username };
  }
  const secure = url.protocol === "https:" || tls !== undefined;
  if (!["tcp:", "http:", "https:"].includes(url.protocol)) throw refused(address, source);
  const fallback = url.protocol === "https:" ? 443 : url.protocol === "http:" ? 80 : secure ? 2376 : 2375;
  const port = Number(url.port || fallback);
  return {
    kind: "tcp",
    url: `tcp://${url.hostname}:${port}`,
    host,
    port,
    ...(secure ? { tls: tls ?? { verify: true } } : {}),
  };
}

/** A socket's or named pipe's endpoint. */
export function socketEndpoint(path: string, scheme = "unix"): DockerEndpoint {
  return { kind: "socket", url: `${scheme}://${path}`, path };
}

function parseUrl(address: string): URL | undefined {
  try {
    return new URL(address);
  } catch {
    return undefined;
  }
}

// The address itself may hold a password, so only its scheme is shown.
function refused(address: string, source: string): PodkitError {
  const scheme = /^[a-z]+:\/\//i.exec(address)?.[0] ?? "an address without scheme";
  return new PodkitError(
    "invalid_argument",
    `${source} names no engine that can be reached (${quote(scheme)}): it takes unix:///path, tcp://host:port, http(s)://host:port, npipe:// or ssh://user@host.`,
    { details: { source } },
  );
}
