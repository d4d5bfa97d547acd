import { join } from "node:path";
import { contextCandidate } from "./context.js";
import { type DockerEndpoint, parseEndpoint, socketEndpoint, type TlsFiles, WINDOWS_PIPE } from "./endpoint.js";

/** How to connect, where the program says it. */
export interface DockerConnectionOptions {
  /** As `DOCKER_HOST`: `unix:///path`, `tcp://host:port`, `ssh://user@host`. */
  readonly host?: string | undefined;
  /** Path of a socket; wins over `host`. */
  readonly socketPath?: string | undefined;
  /** Folder with `ca.pem`, `cert.pem`, `key.pem`, as `DOCKER_CERT_PATH`. */
  readonly certPath?: string | undefined;
  /** False: the engine's certificate is not checked. Default true. */
  readonly tlsVerify?: boolean | undefined;
}

/** The surroundings that candidates are found in: nothing else is looked at. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly platform: string;
  /** Text of a file; undefined where it cannot be read. */
  readonly readFile: (path: string) => string | undefined;
}

/** A place to try, and what named it. */
export interface Candidate {
  /** Such as `option`, `DOCKER_HOST`, `context "colima"`, `socket`. */
  readonly source: string;
  readonly endpoint: DockerEndpoint;
}

/**
 * Where an engine may be, in the order in which it is tried: what the program says, `DOCKER_HOST`, the docker context, the usual
 * sockets. Each of the first three is alone where it is given: another engine is never taken for one that was named.
 * @throws `invalid_argument` for an address that cannot be read; `not_found` for a named context that is not there.
 */
export function candidates(options: DockerConnectionOptions, around: Surroundings): readonly Candidate[] {
  if (options.socketPath !== undefined) return [{ source: "option", endpoint: socketEndpoint(options.socketPath) }];
  if (options.host !== undefined) {
    const tls =
      options.certPath === undefined ? undefined : tlsFiles(options.certPath, options.tlsVerify ?? true, around);
    return [{ source: "option", endpoint: parseEndpoint(options.host, "The option host", tls) }];
  }
  const host = around.env["DOCKER_HOST"];
  if (host !== undefined && host !== "")
    return [{ source: "DOCKER_HOST", endpoint: parseEndpoint(host, "DOCKER_HOST", envTls(around)) }];
  const context = contextCandidate(around);
  return context === undefined ? usualSockets(around) : [context];
}

function envTls(around: Surroundings): TlsFiles | undefined {
  const verify = (around.env["DOCKER_TLS_VERIFY"] ?? "") !== "";
  const folder = around.env["DOCKER_CERT_PATH"];
  if (!verify && folder === undefined) return undefined;
  return tlsFiles(folder ?? join(around.home, ".docker"), verify, around);
}

function tlsFiles(folder: string, verify: boolean, around: Surroundings): TlsFiles {
  const read = (name: string): string | undefined => around.readFile(join(folder, name));
  return { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem"), verify };
}

function usualSockets(around: Surroundings): Candidate[] {
  if (around.platform === "win32") return [{ source: "socket", endpoint: socketEndpoint(WINDOWS_PIPE, "npipe") }];
  const { env, home } = around;
  const runtime = env["XDG_RUNTIME_DIR"];
  const paths = [
    "/var/run/docker.sock",
    ...(runtime === undefined || runtime === "" ? [] : [join(runtime, "docker.sock")]),
    join(home, ".docker/run/docker.sock"),
    join(home, ".docker/desktop/docker.sock"),
    join(home, ".colima/default/docker.sock"),
    join(home, ".orbstack/run/docker.sock"),
    join(home, ".rd/docker.sock"),
    ...podmanMachines(around, runtime),
  ];
  return [...new Set(paths)].map((path) => ({ source: "socket", endpoint: socketEndpoint(path) }));
}

function podmanMachines(around: Surroundings, runtime: string | undefined): string[] {
  const machine = join(around.home, ".local/share/containers/podman/machine");
  const mac = [
    join(machine, "podman.sock"),
    join(machine, "qemu/podman.sock"),
    join(machine, "podman-machine-default/podman.sock"),
  ];
  const temporary = around.env["TMPDIR"];
  const mac5 = temporary === undefined ? [] : [join(temporary, "podman/podman-machine-default-api.sock")];
  const linux = runtime === undefined || runtime === "" ? [] : [join(runtime, "podman/podman.sock")];
  return [...linux, ...(around.platform === "darwin" ? [...mac5, ...mac] : []), "/run/podman/podman.sock"];
}
