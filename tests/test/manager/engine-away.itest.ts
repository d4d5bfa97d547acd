import { rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DockerBackend } from "@podkit/backend-docker";
import { ContainerManager } from "@podkit/manager";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { BUSYBOX, cleanUp, PREFIX, sh } from "./setup.js";

beforeAll(cleanUp);
afterEach(cleanUp);

/** A door to the daemon that can be slammed: every connection is cut, and none is let in until it opens again. */
class Door {
  readonly #daemon: string;
  readonly path = join(tmpdir(), `pt-manager-${process.pid}-${Date.now()}.sock`);
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(daemon: string) {
    this.#daemon = daemon;
  }

  async open(): Promise<void> {
    const daemon = this.#daemon;
    await rm(this.path, { force: true });
    const server = createServer((near) => {
      const far = connect(daemon);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket
          .on("error", () => undefined)
          .on("close", () => {
            this.#sockets.delete(socket);
            near.destroy();
            far.destroy();
          });
      }
      near.pipe(far).pipe(near);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
  }

  /** Cuts what is there; a server that was closed lets nobody in. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async slam(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server?.close(() => resolve()));
    this.cut();
    await closed;
  }
}

async function doorToDaemon(): Promise<Door> {
  const backend = new DockerBackend();
  const { endpoint } = await backend.connect();
  await backend.close();
  const door = new Door(endpoint.replace(/^unix:\/\//, ""));
  await door.open();
  return door;
}

function throughDoor(door: Door) {
  const backend = new DockerBackend({ host: `unix://${door.path}` });
  return { backend, manager: new ContainerManager({ backend, prefix: PREFIX, defaultImage: BUSYBOX }) };
}

const SINKS = { onStdout: () => undefined, onStderr: () => undefined };

describe("an engine that goes away", () => {
  it("row 41: ends a command with a typed error within 5 s, fails fast meanwhile, and works once it is back", async () => {
    const door = await doorToDaemon();
    const { backend, manager } = throughDoor(door);
    const sandbox = await manager.open({ userId: "bob", sessionId: "away" });
    const { containerId } = await sandbox.info();
    const handle = await sandbox.exec({ argv: ["sleep", "100"], stdin: false, maxOutputBytes: 10 }, SINKS);
    const ending = handle.wait().catch((error: unknown) => error);
    const cutAt = Date.now();
    await door.slam();
    expect(await ending).toMatchObject({ code: "exec_lost", retryable: false });
    expect(Date.now() - cutAt).toBeLessThan(5_000);
    const failAt = Date.now();
    await expect(sh(sandbox, ["true"])).rejects.toMatchObject({ code: "unavailable" });
    await expect(sandbox.info()).rejects.toMatchObject({ code: "unavailable" });
    expect(Date.now() - failAt).toBeLessThan(2_000);
    await door.open();
    expect((await sh(sandbox, "echo back")).stdout).toBe("back\n");
    expect((await sandbox.info()).containerId).toBe(containerId);
    await manager.close();
    await backend.close();
    await door.slam();
  });

  it("row 47: for a moment does not disturb a command", async () => {
    const door = await doorToDaemon();
    const { backend, manager } = throughDoor(door);
    const sandbox = await manager.open({ userId: "bob", sessionId: "moment" });
    const out: Uint8Array[] = [];
    const handle = await sandbox.exec(
      {
        argv: ["/bin/sh", "-c", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done"],
        stdin: false,
        maxOutputBytes: 1_000,
      },
      { ...SINKS, onStdout: (chunk) => void out.push(chunk) },
    );
    for (let cut = 0; cut < 2; cut += 1) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      door.cut();
    }
    expect(await handle.wait()).toMatchObject({ exitCode: 0 });
    expect(Buffer.concat(out).toString()).toBe("1\n2\n3\n4\n5\n6\n");
    await manager.close();
    await backend.close();
    await door.slam();
  });
});
