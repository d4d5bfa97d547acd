import { type ContainerInfo, type Endpoint, PodkitError } from "@podkit/core";
import type { DockerEndpoint } from "./connect/endpoint.js";

/**
 * Where a published port can be reached from this program.
 * @throws `not_found` where it is not published; `invalid_state` where the container does not run.
 */
export function portEndpoint(
  info: ContainerInfo,
  port: number,
  protocol: "tcp" | "udp",
  engine: DockerEndpoint | undefined,
): Endpoint {
  const bound = info.ports.find((binding) => binding.container === port && binding.protocol === protocol);
  const details = { kind: "port", port, protocol };
  if (bound === undefined) {
    throw new PodkitError(
      "not_found",
      `Port ${port}/${protocol} of container ${info.name} is not published. Name it in \`ports\` when the container is made.`,
      { details },
    );
  }
  if (info.state !== "running" && info.state !== "paused") {
    throw new PodkitError(
      "invalid_state",
      `Container ${info.name} does not run (${info.state}), so nothing answers on port ${port}. Start it first.`,
      { details },
    );
  }
  const remote = engine === undefined || engine.kind === "socket" ? undefined : engine.host;
  return { host: reachable(bound.address, remote), port: bound.host };
}

// "Every address" is none that can be connected to everywhere, and the engine's own loopback is not this machine's.
function reachable(address: string, remote: string | undefined): string {
  const every = address === "" || address === "0.0.0.0" || address === "::";
  const loopback = address === "127.0.0.1" || address === "::1";
  if (remote !== undefined && (every || loopback)) return remote;
  if (every) return address === "::" ? "::1" : "127.0.0.1";
  return address;
}
