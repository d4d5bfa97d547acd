import { Readable } from "node:stream";
import { type PullProgress, silentLogger, systemClock } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { DockerApi } from "../src/api.js";
import { registryAuthHeader } from "../src/images/auth.js";
import type { HelperLogin } from "../src/images/credential-helper.js";
import { Images } from "../src/images/images.js";
import { parseReference } from "../src/images/reference.js";
import { jsonLines } from "../src/json-lines.js";
import { errorIn } from "./support/errors.js";
import { type Answer, fakeClient } from "./support/fake-client.js";

const noFiles = { env: {}, home: "/home/bob", platform: "linux", readFile: () => undefined };
const config = (value: unknown) => ({
  ...noFiles,
  readFile: (path: string) => (path === "/home/bob/.docker/config.json" ? JSON.stringify(value) : undefined),
});
const noHelper = async (): Promise<HelperLogin> => undefined;
const decode = (header: string | undefined): unknown =>
  header === undefined ? undefined : JSON.parse(Buffer.from(header, "base64").toString());
const basic = (pair: string): { auth: string } => ({ auth: Buffer.from(pair).toString("base64") });

describe("an image's name", () => {
  it.each([
    ["nginx", "docker.io", "nginx", "latest"],
    ["python:3.11-alpine", "docker.io", "python", "3.11-alpine"],
    ["team/app:1", "docker.io", "team/app", "1"],
    ["localhost/app", "localhost", "localhost/app", "latest"],
    ["127.0.0.1:5000/a/b:2", "127.0.0.1:5000", "127.0.0.1:5000/a/b", "2"],
    ["r.example.com/a", "r.example.com", "r.example.com/a", "latest"],
    [`a:1@sha256:${"0".repeat(64)}`, "docker.io", "a", `sha256:${"0".repeat(64)}`],
  ])("%s", (image, registry, name, tagOrDigest) => {
    expect(parseReference(image)).toEqual({ registry, name, tagOrDigest });
  });

  it.each(["", "/a", "a/", "a//b", "a b", "a\n", "../a", "-a", "a:", "a@sha256:1", "x".repeat(600)])(
    "%j is none",
    (image) => {
      expect(errorIn(() => parseReference(image))).toMatchObject({
        code: "invalid_argument",
        details: { field: "image" },
      });
    },
  );
});

describe("a login", () => {
  const hub = parseReference("team/app");
  const own = parseReference("r.example.com/app");

  it("that is given wins, and goes to no other registry than its own", async () => {
    const sources = { around: config({ auths: { "r.example.com": basic("file:p") } }), helper: noHelper };
    const given = { username: "u", password: "p" };
    expect(decode(await registryAuthHeader(own, given, sources, {}))).toEqual({
      username: "u",
      password: "p",
      serveraddress: "r.example.com",
    });
    expect(
      decode(await registryAuthHeader(own, { ...given, serverAddress: "https://other.example.com/v1/" }, sources, {})),
    ).toMatchObject({ username: "file" });
    expect(decode(await registryAuthHeader(own, () => undefined, sources, {}))).toMatchObject({ username: "file" });
    expect(
      decode(await registryAuthHeader(hub, { ...given, serverAddress: "https://index.docker.io/v1/" }, sources, {})),
    ).toMatchObject({ username: "u" });
  });

  it("is found in Docker's config file, Docker Hub's by its old address", async () => {
    const auths = {
      "https://index.docker.io/v1/": basic("hub:a:b"),
      "https://r.example.com/v2/": { identitytoken: "T" },
    };
    const sources = { around: config({ auths }), helper: noHelper };
    expect(decode(await registryAuthHeader(hub, undefined, sources, {}))).toEqual({
      username: "hub",
      password: "a:b",
      serveraddress: "https://index.docker.io/v1/",
    });
    expect(decode(await registryAuthHeader(own, undefined, sources, {}))).toEqual({
      identitytoken: "T",
      serveraddress: "r.example.com",
    });
    expect(await registryAuthHeader(parseReference("q.example.com/a"), undefined, sources, {})).toBeUndefined();
    expect(await registryAuthHeader(own, undefined, { around: noFiles, helper: noHelper }, {})).toBeUndefined();
    expect(
      await registryAuthHeader(own, undefined, { around: config(["nonsense"]), helper: noHelper }, {}),
    ).toBeUndefined();
  });

  it("is asked of the registry's own helper before the common one", async () => {
    const asked: string[] = [];
    const helper = async (program: string, server: string): Promise<HelperLogin> => {
      asked.push(`${program} ${server}`);
      return program === "own" ? { username: "<token>", secret: "T" } : undefined;
    };
    const around = config({
      credsStore: "common",
      credHelpers: { "r.example.com": "own" },
      auths: { "https://index.docker.io/v1/": basic("u:p") },
    });
    expect(decode(await registryAuthHeader(own, undefined, { around, helper }, {}))).toMatchObject({
      identitytoken: "T",
    });
    expect(decode(await registryAuthHeader(hub, undefined, { around, helper }, {}))).toMatchObject({ username: "u" });
    expect(asked).toEqual(["own r.example.com", "common https://index.docker.io/v1/"]);
  });
});

describe("a pull", () => {
  const IMAGE = { Id: "sha256:1", Os: "linux", Architecture: "amd64", Config: {} };
  const lines = (...values: unknown[]): Readable =>
    Readable.from(values.map((value) => Buffer.from(`${JSON.stringify(value)}\r\n`)));
  const images = new Images({ clock: systemClock, logger: silentLogger, auth: { around: noFiles, helper: noHelper } });
  const pulling = (pull: () => Answer | undefined) => {
    let there = false;
    return fakeClient((method) => {
      if (method === "GET") return there ? { json: IMAGE } : { status: 404, message: "No such image" };
      there = true;
      return pull();
    });
  };

  it("is one for all callers at once, and each hears of it", async () => {
    const client = pulling(() => ({
      stream: lines({ status: "Downloading", id: "l", progressDetail: { current: 1, total: 2 } }, { status: "done" }),
    }));
    const api = new DockerApi(client, "fake");
    const heard: PullProgress[][] = [[], [], []];
    await Promise.all(
      heard.map((list) =>
        images.ensure(api, { image: "a:1", pullPolicy: "missing" }, { onProgress: (progress) => list.push(progress) }),
      ),
    );
    expect(client.asked.filter((one) => one.startsWith("POST"))).toHaveLength(1);
    for (const list of heard)
      expect(list).toEqual([
        { image: "a:1", layer: "l", status: "Downloading", currentBytes: 1, totalBytes: 2 },
        { image: "a:1", status: "done" },
      ]);
  });

  it("fails by what stands in its progress, and the next one begins anew", async () => {
    const client = fakeClient((method) =>
      method === "GET"
        ? { status: 404, message: "No such image" }
        : { stream: lines({ status: "x" }, { error: "manifest unknown", errorDetail: {} }) },
    );
    const api = new DockerApi(client, "fake");
    for (let turn = 0; turn < 2; turn += 1) {
      await expect(images.ensure(api, { image: "a:1", pullPolicy: "missing" }, {})).rejects.toMatchObject({
        code: "not_found",
        message: expect.stringContaining("a:1"),
      });
    }
    expect(client.asked.filter((one) => one.startsWith("POST"))).toHaveLength(2);
  });

  it("is given up once nobody waits for it", async () => {
    let cut = false;
    const client = fakeClient((method, _, options) => {
      if (method === "GET") return { status: 404, message: "No such image" };
      options.abortSignal?.addEventListener("abort", () => (cut = true));
      return undefined;
    });
    const api = new DockerApi(client, "fake");
    const [first, second] = [new AbortController(), new AbortController()];
    const waits = [first, second].map(({ signal }) =>
      images.ensure(api, { image: "a:1", pullPolicy: "always" }, { signal }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    first.abort();
    await expect(waits[0]).rejects.toMatchObject({ code: "aborted" });
    expect(cut).toBe(false);
    second.abort();
    await expect(waits[1]).rejects.toMatchObject({ code: "aborted" });
    expect(cut).toBe(true);
  });

  it("does not happen where it is not wanted", async () => {
    const client = fakeClient(() => ({ status: 404, message: "No such image" }));
    await expect(
      images.ensure(new DockerApi(client, "fake"), { image: "a:1", pullPolicy: "never" }, {}),
    ).rejects.toMatchObject({ code: "not_found" });
    expect(client.asked).toEqual(["GET /images/a:1/json"]);
  });
});

describe("lines of JSON", () => {
  const read = async (chunks: readonly (string | Buffer)[]): Promise<unknown[]> => {
    const all: unknown[] = [];
    for await (const value of jsonLines(Readable.from(chunks.map((chunk) => Buffer.from(chunk))))) all.push(value);
    return all;
  };

  it("are read wherever chunks end, in the middle of a letter too", async () => {
    const bytes = Buffer.from('{"a":"ä"}\r\n\n{"b":2}\nnonsense\n[3]');
    for (let at = 0; at <= bytes.length; at += 1)
      expect(await read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual([{ a: "ä" }, { b: 2 }, [3]]);
  });

  it("end at one that never ends", async () => {
    await expect(read(Array.from({ length: 5 }, () => "x".repeat(1024 * 1024)))).rejects.toMatchObject({
      code: "internal",
    });
  });
});
