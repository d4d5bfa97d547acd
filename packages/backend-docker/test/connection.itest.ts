import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DockerBackend } from "../src/index.js";
import { clear, errorOf, scriptAgent, specOf } from "./support/engine.js";
import { startProxy } from "./support/proxy.js";

const PREFIX = "pt-conn";
const NAME = `${PREFIX}-one`;
const direct = new DockerBackend({ agentVolumePrefix: `${PREFIX}-agent` });

beforeAll(async () => {
  await clear(PREFIX);
  await direct.create(specOf(NAME), scriptAgent("0.0.1-conn"));
  await direct.start(NAME);
});
afterAll(async () => {
  await clear(PREFIX);
  await direct.close();
});

async function echo(backend: DockerBackend): Promise<string> {
  const stream = await backend.openStream(NAME, ["cat"]);
  stream.end("there and back");
  let said = "";
  for await (const chunk of stream) said += String(chunk);
  return said;
}

describe("over TCP", () => {
  it("row 51: DOCKER_HOST is taken, and streams work", async () => {
    const proxy = await startProxy();
    const backend = new DockerBackend({ env: { DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}`, HOME: "/nonexistent" } });
    expect(await backend.connect()).toMatchObject({ endpoint: `tcp://127.0.0.1:${proxy.port}`, local: true });
    expect(await echo(backend)).toBe("there and back");
    await backend.close();
    await proxy.cut();
  });

  it("row 41: what is under way fails within seconds where the engine goes away, and the next call works once it is back", async () => {
    const proxy = await startProxy();
    const backend = new DockerBackend({ host: `tcp://127.0.0.1:${proxy.port}` });
    const stream = await backend.openStream(NAME, ["cat"]);
    stream.write("x");
    await once(stream, "data");
    const log = errorOf(follow(backend));
    const events = errorOf(listen(backend));
    const other = `${PREFIX}-two`;
    await direct.create(specOf(other), scriptAgent("0.0.1-conn"));
    await direct.start(other);
    const stopping = errorOf(backend.stop(other, { graceMs: 20_000 }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const cut = performance.now();
    const closed = new Promise((resolve) => stream.once("close", resolve));
    stream.resume();
    await proxy.cut();
    await closed;
    expect(stream.errored).toMatchObject({ code: "unavailable", retryable: true });
    for (const ended of [log, events, stopping]) expect(await ended).toMatchObject({ code: "unavailable" });
    expect(performance.now() - cut).toBeLessThan(5_000);
    expect(await errorOf(backend.inspect(NAME))).toMatchObject({ code: "unavailable" });
    const again = await startProxy({ port: proxy.port });
    expect((await backend.inspect(NAME)).name).toBe(NAME);
    await backend.close();
    await again.cut();
  });

  async function follow(backend: DockerBackend): Promise<void> {
    for await (const _ of backend.logs(NAME, { follow: true }));
  }
  async function listen(backend: DockerBackend): Promise<void> {
    for await (const _ of backend.events({}));
  }
});

describe("over TLS", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pt-tls-"));
    const run = promisify(execFile);
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    await run("openssl", [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
      "-keyout",
      join(folder, "key.pem"),
      "-out",
      join(folder, "cert.pem"),
      ...subject,
    ]);
    await run("cp", [join(folder, "cert.pem"), join(folder, "ca.pem")]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("certificates are shown and checked, and streams half-close", async () => {
    const [ca = "", cert = "", key = ""] = await Promise.all(
      ["ca", "cert", "key"].map((name) => readFile(join(folder, `${name}.pem`), "utf8")),
    );
    const proxy = await startProxy({ tls: { ca, cert, key } });
    const env = {
      DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}`,
      DOCKER_TLS_VERIFY: "1",
      DOCKER_CERT_PATH: folder,
      HOME: "/nonexistent",
    };
    const backend = new DockerBackend({ env });
    expect(await echo(backend)).toBe("there and back");
    const stranger = new DockerBackend({ env: { ...env, DOCKER_CERT_PATH: "/nonexistent" } });
    expect(await errorOf(stranger.connect())).toMatchObject({ code: "unavailable" });
    await Promise.all([backend.close(), stranger.close()]);
    await proxy.cut();
  });
});

describe("a program", () => {
  it("ends by itself with an open backend and a stream that it let go of", async () => {
    const script = new URL("./support/stay-open.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--import", "tsx", script, NAME], {
      stdio: ["ignore", "pipe", "inherit"],
      cwd: new URL("..", import.meta.url).pathname,
    });
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += String(chunk);
    });
    const [code] = await once(child, "exit");
    expect({ code, said }).toEqual({ code: 0, said: "hello" });
  });
});
