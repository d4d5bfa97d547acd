import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { PodkitError, type PortRequest } from "@podkit/core";
import type { AskedPort } from "../config/asked.js";

/** Finds a host port that is probably free. */
export type DrawPort = (port: Pick<AskedPort, "address" | "protocol">, local: boolean) => Promise<number>;

/** Above what systems give to services, and what Linux gives to outgoing connections by default. */
const FIRST = 32_768;
const LAST = 60_999;

/** Draws by binding where the engine is on this machine, else by chance; the engine has the last word in both cases. */
export const drawPort: DrawPort = async ({ address, protocol }, local) => {
  if (!local) return randomInt(FIRST, LAST + 1);
  try {
    return await (protocol === "udp" ? bindUdp(address) : bindTcp(address));
  } catch {
    // The address may be the engine's alone, such as one of a network namespace.
    return randomInt(FIRST, LAST + 1);
  }
};

/**
 * The ports that are asked of the engine: `host: 0` is drawn, another stays.
 * @param remembered Ports that were drawn for this session earlier; they are kept.
 */
export async function resolvePorts(
  asked: readonly AskedPort[],
  options: {
    readonly draw: DrawPort;
    readonly local: boolean;
    readonly remembered: readonly PortRequest[];
    readonly avoid: ReadonlySet<number>;
  },
): Promise<PortRequest[]> {
  const used = new Set(asked.map(({ host }) => host));
  const left = options.remembered.filter(({ host }) => !options.avoid.has(host) && !used.has(host));
  const resolved: PortRequest[] = [];
  for (const port of asked) {
    if (port.host !== 0) {
      resolved.push(port);
      continue;
    }
    const index = left.findIndex(
      (old) => old.container === port.container && old.protocol === port.protocol && old.address === port.address,
    );
    const old = index < 0 ? undefined : left.splice(index, 1)[0];
    const host = old?.host ?? (await drawUnused(port, options, used));
    used.add(host);
    resolved.push({ ...port, host });
  }
  return resolved;
}

async function drawUnused(
  port: AskedPort,
  options: { readonly draw: DrawPort; readonly local: boolean; readonly avoid: ReadonlySet<number> },
  used: ReadonlySet<number>,
): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const host = await options.draw(port, options.local);
    if (!used.has(host) && !options.avoid.has(host)) return host;
  }
  throw new PodkitError(
    "resource_exhausted",
    `No free host port was found for port ${port.container}. Name one instead of host: 0.`,
    {
      details: { port: port.container },
    },
  );
}

function bindTcp(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: address, port: 0, exclusive: true }, () => {
      const bound = server.address();
      server.close(() =>
        typeof bound === "object" && bound !== null ? resolve(bound.port) : reject(new Error("no address")),
      );
    });
  });
}

function bindUdp(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address, port: 0, exclusive: true }, () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}
