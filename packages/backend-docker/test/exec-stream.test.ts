import { once } from "node:events";
import { connect as http2Connect, createServer as http2Server } from "node:http2";
import { Duplex } from "node:stream";
import { PodkitError } from "@podkit/core";
import { describe, expect, it, vi } from "vitest";
import { ExecStream } from "../src/exec-stream.js";
import { frame } from "./support/frame.js";

/** A socket whose other end is the test. */
class FakeSocket extends Duplex {
  readonly written: Buffer[] = [];
  held: (() => void) | undefined;
  hold = false;
  ref = vi.fn();
  unref = vi.fn();
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.written.push(chunk);
    if (this.hold) this.held = callback;
    else callback();
  }
}

function open(code: number | null | Error = 0): { socket: FakeSocket; stream: ExecStream } {
  const socket = new FakeSocket({ highWaterMark: 1024 });
  const exitCode = async (): Promise<number | null> => {
    if (code instanceof Error) throw code;
    return code;
  };
  return { socket, stream: new ExecStream({ socket, program: "agent", exitCode }) };
}

function closed(stream: ExecStream): Promise<void> {
  return new Promise((resolve) => stream.once("close", resolve));
}

async function all(stream: ExecStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

describe("a stream over an exec's connection", () => {
  it("gives stdout, keeps stderr for itself, and closes", async () => {
    const { socket, stream } = open();
    socket.push(Buffer.concat([frame(1, "one "), frame(2, "aside"), frame(1, "two")]));
    socket.push(null);
    expect(await all(stream)).toBe("one two");
    expect(stream.destroyed).toBe(true);
    expect(socket.destroyed).toBe(true);
  });

  it("closes even where nobody reads", async () => {
    const { socket, stream } = open();
    socket.push(null);
    await once(stream, "close");
  });

  it.each([
    ["the program's code and words", 97, /ended with code 97.*no agent/],
    ["a lost connection", null, /connection to the engine was lost/],
  ])("fails with %s", async (_, code, message) => {
    const { socket, stream } = open(code);
    socket.push(frame(2, "no agent"));
    socket.push(null);
    await expect(all(stream)).rejects.toThrow(message);
  });

  it("fails where it ends inside a frame, or the engine cannot be asked", async () => {
    const cut = open();
    cut.socket.push(frame(1, "whole").subarray(0, 10));
    cut.socket.push(null);
    await expect(all(cut.stream)).rejects.toMatchObject({ code: "unavailable" });
    const gone = open(new Error("daemon is gone"));
    gone.socket.push(null);
    await expect(all(gone.stream)).rejects.toMatchObject({
      code: "unavailable",
      cause: { message: "daemon is gone" },
    });
  });

  it("row 54: says that its container is gone where the engine does not know the program any more", async () => {
    const { socket, stream } = open(new PodkitError("not_found", "No such exec instance: 75e7"));
    socket.push(null);
    await expect(all(stream)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("its container ended or was removed"),
      details: { exitCode: null },
    });
  });

  it("fails where the connection breaks or is no such stream, and harms nobody who does not listen", async () => {
    const broken = open(137);
    broken.socket.destroy(new Error("reset"));
    await closed(broken.stream);
    expect(broken.stream.errored).toMatchObject({ code: "unavailable", cause: { message: "reset" } });
    const strange = open();
    strange.socket.push("HTTP/1.1 500 whatever");
    await closed(strange.stream);
    expect(strange.stream.errored).toMatchObject({ code: "internal" });
  });

  it("takes the engine's report of a program that did not start for an error, and the same text of a program for text", async () => {
    const failed = open(126);
    failed.socket.push(frame(1, "OCI runtime exec failed: no such file"));
    failed.socket.push(null);
    await expect(all(failed.stream)).rejects.toThrow(/no such file/);
    const printed = open(0);
    printed.socket.push(frame(1, "OCI runtime exec failed: as text"));
    printed.socket.push(null);
    expect(await all(printed.stream)).toBe("OCI runtime exec failed: as text");
  });

  it("keeps no more than the engine's report of what a program prints in its form", async () => {
    const { socket, stream } = open();
    const block = Buffer.alloc(64 * 1024, "x");
    socket.push(frame(1, "OCI runtime exec failed: "));
    for (let sent = 0; sent < 32; sent += 1) socket.push(frame(1, block));
    await new Promise((resolve) => setImmediate(resolve));
    expect(socket.isPaused()).toBe(true);
    expect(stream.readableLength).toBeLessThanOrEqual(320 * 1024);
    socket.push(null);
    expect((await all(stream)).length).toBe(25 + 32 * block.length);
  });

  it("holds the engine back where nobody reads", async () => {
    const { socket, stream } = open();
    const block = Buffer.alloc(64 * 1024);
    for (let sent = 0; sent < 16; sent += 1) socket.push(frame(1, block));
    await new Promise((resolve) => setImmediate(resolve));
    expect(stream.readableLength).toBeLessThanOrEqual(320 * 1024);
    socket.push(null);
    expect((await all(stream)).length).toBe(16 * block.length);
  });

  it("holds the writer back where the engine does not read, and lets it go when destroyed", async () => {
    const { socket, stream } = open();
    socket.hold = true;
    const done = vi.fn();
    stream.write(Buffer.alloc(4096), done);
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).not.toHaveBeenCalled();
    socket.hold = false;
    socket.held?.();
    await vi.waitFor(() => expect(done).toHaveBeenCalled());
    socket.hold = true;
    const cut = new Promise((resolve) => stream.write(Buffer.alloc(4096), resolve));
    stream.destroy();
    expect(await cut).toMatchObject({ code: "aborted" });
    expect(socket.destroyed).toBe(true);
  });

  it("half-closes, and passes ref and unref on", async () => {
    const { socket, stream } = open();
    stream.end("bye");
    await once(socket, "finish");
    expect(Buffer.concat(socket.written).toString()).toBe("bye");
    expect(stream.readable).toBe(true);
    expect(stream.ref().unref()).toBe(stream);
    expect([socket.ref.mock.calls.length, socket.unref.mock.calls.length]).toEqual([1, 1]);
    stream.destroy();
  });

  it("carries HTTP/2", async () => {
    const { socket, stream } = open();
    const server = http2Server((request, response) => request.pipe(response));
    // The far end is an HTTP/2 server whose bytes are framed as Docker frames a program's output.
    const inside = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, callback) => {
        socket.push(frame(1, chunk));
        callback();
      },
    });
    socket._write = (chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void => {
      inside.push(chunk);
      callback();
    };
    server.emit("connection", inside);
    const session = http2Connect("http://agent", { createConnection: () => stream });
    const request = session.request({ ":method": "POST", ":path": "/" });
    request.end("echo this");
    let said = "";
    for await (const chunk of request) said += String(chunk);
    expect(said).toBe("echo this");
    session.destroy();
    inside.destroy();
    server.close();
  });
});
