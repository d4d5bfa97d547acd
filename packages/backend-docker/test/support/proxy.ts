import { createConnection, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** A way to the engine that the test can cut. */
export interface Proxy {
  readonly port: number;
  /** Ends the listening and every connection at once. */
  cut(): Promise<void>;
}

/** Passes connections on to the engine's socket; with a certificate, over TLS that asks for the client's own. */
export async function startProxy(
  options: {
    readonly port?: number;
    readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  } = {},
): Promise<Proxy> {
  const open = new Set<Socket>();
  const join = (client: Socket): void => {
    const engine = createConnection({ path: "/var/run/docker.sock", allowHalfOpen: true });
    for (const socket of [client, engine]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => open.delete(socket));
    }
    client.pipe(engine).pipe(client);
    client.on("close", () => engine.destroy());
  };
  const { tls } = options;
  const server: Server =
    tls === undefined
      ? createServer({ allowHalfOpen: true }, join)
      : createTlsServer({ ...tls, allowHalfOpen: true, requestCert: true, rejectUnauthorized: true }, join);
  // Of a TLS handshake that fails there is no other sign.
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const cut = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
  };
  return { port: typeof address === "object" && address !== null ? address.port : 0, cut };
}
