import http from "node:http";
import https from "node:https";
import { inspect } from "node:util";
import Docker from "dockerode";
import type { DockerClient } from "../client.js";
import type { DockerEndpoint } from "./endpoint.js";

/** A client, and what lets go of its idle connections. */
export interface OwnedClient {
  readonly client: DockerClient;
  close(): void;
}

// dockerode's transport prints each request's options for its debug log even where that is off; an agent with open
// sockets would make that cost more than the request.
class HttpAgent extends http.Agent {
  [inspect.custom](): string {
    return "HttpAgent";
  }
}

class HttpsAgent extends https.Agent {
  [inspect.custom](): string {
    return "HttpsAgent";
  }
}

/** A dockerode client for an endpoint. It holds idle connections, but no event loop. */
export function clientFor(endpoint: DockerEndpoint, sshAgent?: string): OwnedClient {
  if (endpoint.kind === "ssh") {
    const { host, port, username } = endpoint;
    const login = {
      ...(username === undefined ? {} : { username }),
      ...(sshAgent === undefined ? {} : { sshOptions: { agent: sshAgent } }),
    };
    const client = new Docker({ protocol: "ssh", host, port, ...login });
    return { client, close: () => undefined };
  }
  const { agent, protocol } = agentFor(endpoint);
  if (endpoint.kind === "socket") {
    // An empty host keeps the transport from taking the one of DOCKER_HOST by itself.
    const socket = { host: "", socketPath: endpoint.path, agent, protocol };
    return { client: new Docker(socket), close: () => agent.destroy() };
  }
  const { host, port } = endpoint;
  const tcp = { host: host.includes(":") ? `[${host}]` : host, port, agent, protocol };
  return { client: new Docker(tcp), close: () => agent.destroy() };
}

function agentFor(endpoint: Exclude<DockerEndpoint, { kind: "ssh" }>): {
  agent: http.Agent;
  protocol: "http" | "https";
} {
  if (endpoint.kind === "socket" || endpoint.tls === undefined)
    return { agent: new HttpAgent({ keepAlive: true }), protocol: "http" };
  const { ca, cert, key, verify } = endpoint.tls;
  const given = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  return { agent: new HttpsAgent({ keepAlive: true, rejectUnauthorized: verify, ...given }), protocol: "https" };
}
