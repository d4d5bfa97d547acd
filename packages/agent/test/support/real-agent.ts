import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Duplex } from "node:stream";
import type { ByteStream } from "@podkit/core";
import type { AgentInit } from "../../src/index.js";
import type { AgentLink } from "../../src/link.js";

const ARCH = process.arch === "arm64" ? "linux-arm64" : "linux-x64";
/** The built agent; `PODKIT_AGENT_BINARY` names another one. */
export const BINARY =
  process.env["PODKIT_AGENT_BINARY"] ?? resolve(import.meta.dirname, `../../dist/bin/${ARCH}/podkit-agent`);

/** A stream that wraps another, as a backend's does: node's http2 treats it otherwise than a socket. */
export class WrappedStream extends Duplex implements ByteStream {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("close", () => this.destroy());
    socket.on("error", (error) => this.destroy(error));
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

/** The Go agent as a process of this machine, with its state in a folder of its own. */
export class RealAgent implements AgentLink {
  readonly folder = mkdtempSync(join(tmpdir(), "pt-agent-"));
  readonly workingDir = join(this.folder, "work");
  readonly sockets: Socket[] = [];
  #child: ChildProcess | undefined;
  #exit: Promise<number | null> = Promise.resolve(null);
  stderr = "";

  /** Starts it; a second start is a restart with the same state. */
  start(init: Partial<AgentInit> = {}): void {
    if (!existsSync(BINARY)) throw new Error(`there is no agent at ${BINARY}: run scripts/build-agent.sh first`);
    mkdirSync(this.workingDir, { recursive: true });
    const json = JSON.stringify({
      lifetimeMs: null,
      maxLifetimeMs: null,
      user: null,
      workingDir: this.workingDir,
      program: null,
      programStopSignal: null,
      stateDir: join(this.folder, "state"),
      ...init,
    });
    const child = spawn(BINARY, ["init", json], {
      stdio: ["ignore", "inherit", "pipe"],
      env: { PATH: process.env["PATH"], GREETING: "hello" },
    });
    child.stderr?.on("data", (chunk) => {
      this.stderr += String(chunk);
    });
    this.#child = child;
    this.#exit = new Promise((settle) => child.on("close", (code) => settle(code)));
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get exited(): Promise<number | null> {
    return this.#exit;
  }

  async open(): Promise<ByteStream> {
    const socket = await this.#connect();
    this.sockets.push(socket);
    return new WrappedStream(socket);
  }

  async isGone(): Promise<boolean> {
    return this.#child?.exitCode !== null || this.#child.signalCode !== null;
  }

  cut(): void {
    for (const socket of this.sockets.splice(0)) socket.destroy();
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exit;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #connect(): Promise<Socket> {
    const path = join(this.folder, "state", "run", "agent.sock");
    for (const end = Date.now() + 5_000; ; ) {
      const socket = connect(path);
      const error = await new Promise<Error | undefined>((settle) => {
        socket.once("connect", () => settle(undefined));
        socket.once("error", settle);
      });
      if (error === undefined) return socket;
      if (Date.now() > end || (await this.isGone()))
        throw new Error(`${error.message}; the agent said: ${this.stderr}`);
      await new Promise((settle) => setTimeout(settle, 10));
    }
  }
}
