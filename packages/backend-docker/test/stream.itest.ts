import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { ByteStream } from "@podkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DockerBackend } from "../src/index.js";
import { clear, docker, errorOf, scriptAgent, specOf } from "./support/engine.js";

const PREFIX = "pt-stream";
const NAME = `${PREFIX}-one`;
const agent = scriptAgent("0.0.1-stream");
const backend = new DockerBackend({ agentVolumePrefix: `${PREFIX}-agent` });

beforeAll(async () => {
  await clear(PREFIX);
  await backend.create(specOf(NAME), agent);
  await backend.start(NAME);
});
afterAll(async () => {
  await clear(PREFIX);
  await backend.close();
});

function failure(stream: ByteStream): Promise<Error> {
  stream.resume();
  return new Promise((resolve, reject) => {
    stream.once("error", resolve);
    stream.once("close", () => reject(new Error("closed without an error")));
  });
}

async function count(stream: ByteStream): Promise<{ bytes: number; sha: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha: hash.digest("hex") };
}

describe("a stream to a program", () => {
  it("carries 100 MB both ways at once, unchanged", async () => {
    const block = randomBytes(1024 * 1024);
    const expected = createHash("sha256");
    const stream = await backend.openStream(NAME, ["cat"]);
    const begun = performance.now();
    const reading = count(stream);
    for (let sent = 0; sent < 100; sent += 1) {
      expected.update(block);
      if (!stream.write(block)) await once(stream, "drain");
    }
    stream.end();
    expect(await reading).toEqual({ bytes: 100 * 1024 * 1024, sha: expected.digest("hex") });
    console.log(`100 MB through cat and back: ${(100_000 / (performance.now() - begun)).toFixed(0)} MB/s`);
  });

  it("carries 200 MB of output under backpressure", async () => {
    const stream = await backend.openStream(NAME, ["head", "-c", "209715200", "/dev/zero"]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(stream.readableLength).toBeLessThan(1024 * 1024);
    const begun = performance.now();
    let bytes = 0;
    for await (const chunk of stream) bytes += chunk.length;
    expect(bytes).toBe(200 * 1024 * 1024);
    console.log(`200 MB of output: ${(200_000 / (performance.now() - begun)).toFixed(0)} MB/s`);
  });

  it("holds a writer back where the program does not read", async () => {
    const stream = await backend.openStream(NAME, ["sleep", "100"]);
    let taken = 0;
    const block = Buffer.alloc(1024 * 1024);
    while (taken < 64 && stream.write(block)) taken += 1;
    for (; taken < 64; taken += 1) {
      const drained = await Promise.race([
        once(stream, "drain").then(() => true),
        new Promise((resolve) => setTimeout(resolve, 300, false)),
      ]);
      if (drained === false) break;
      stream.write(block);
    }
    expect(taken).toBeLessThan(32);
    stream.destroy();
    await once(stream, "close");
  });

  it("tells what the program said where it fails", async () => {
    const error = await failure(await backend.openStream(NAME, ["sh", "-c", "echo no luck >&2; exit 97"]));
    expect(error).toMatchObject({ code: "unavailable", details: { exitCode: 97, stderr: "no luck" } });
    expect(error.message).toContain("no luck");
  });

  it("keeps no more than 8 KiB of what it said", async () => {
    const error = await failure(
      await backend.openStream(NAME, ["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1"]),
    );
    expect(error.message.length).toBeGreaterThan(8000);
    expect(error.message.length).toBeLessThan(9000);
  });

  it("fails where there is no such program", async () => {
    const error = await failure(await backend.openStream(NAME, ["/no/such/program"]));
    expect(error.message).toContain("no such file");
  });

  it("closes without an error where the program ends well, with its last bytes", async () => {
    const stream = await backend.openStream(NAME, ["echo", "last"]);
    expect(await count(stream)).toMatchObject({ bytes: 5 });
    expect(stream.destroyed).toBe(true);
  });

  it("ends the program's stdin by its own end, and the program by its destruction", async () => {
    const half = await backend.openStream(NAME, ["sh", "-c", "cat >/dev/null; echo eof"]);
    half.end("abc");
    expect(await count(half)).toMatchObject({ bytes: 4 });
    const cut = await backend.openStream(NAME, ["cat"]);
    cut.write("x");
    await once(cut, "data");
    cut.destroy();
    await once(cut, "close");
  });

  it("runs as root in the root folder, even where the image's working folder is gone", async () => {
    const stream = await backend.openStream(NAME, ["sh", "-c", "id -u; pwd"]);
    let said = "";
    for await (const chunk of stream) said += String(chunk);
    expect(said).toBe("0\n/\n");
  });

  it("row 41: is closed within 5 s where the container is killed", async () => {
    const name = `${PREFIX}-killed`;
    await backend.create(specOf(name), agent);
    await backend.start(name);
    const stream = await backend.openStream(name, ["cat"]);
    stream.write("x");
    await once(stream, "data");
    const ended = failure(stream);
    const killed = performance.now();
    await docker.getContainer(name).kill();
    expect(await ended).toMatchObject({ code: "unavailable" });
    expect(performance.now() - killed).toBeLessThan(5_000);
    await backend.remove(name);
  });

  it("is not_found without a container, invalid_state where it does not run or is paused", async () => {
    const name = `${PREFIX}-state`;
    expect((await errorOf(backend.openStream(name, ["cat"]))).code).toBe("not_found");
    await backend.create(specOf(name), agent);
    expect(await errorOf(backend.openStream(name, ["cat"]))).toMatchObject({
      code: "invalid_state",
      details: { reason: "not_running" },
    });
    await backend.start(name);
    await backend.pause(name);
    expect(await errorOf(backend.openStream(name, ["cat"]))).toMatchObject({
      code: "invalid_state",
      details: { reason: "paused" },
    });
    await backend.remove(name);
  });

  it("is refused where the caller gave up before", async () => {
    expect((await errorOf(backend.openStream(NAME, ["cat"], { signal: AbortSignal.abort() }))).code).toBe("aborted");
  });
});
