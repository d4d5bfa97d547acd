import { PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { translate } from "../src/errors.js";
import { pullError } from "../src/images/pull-error.js";

const refused = (status: number, words: string): Error =>
  Object.assign(new Error(`(HTTP code ${status}) unexpected - ${words} `), { statusCode: status });
const of = (error: unknown): PodkitError =>
  translate(error, "Starting container c", "unix:///d.sock", { kind: "container", name: "c" });

describe("what the engine says, as podkit's errors", () => {
  it.each([
    [404, "No such container: c", "not_found"],
    [400, "bad parameter", "invalid_argument"],
    [401, "unauthorized", "unauthenticated"],
    [403, "forbidden", "permission_denied"],
    [409, 'Conflict. The container name "/c" is already in use by container "x".', "already_exists"],
    [409, "volume is in use", "conflict"],
    [409, "Container x is not running", "invalid_state"],
    [409, "container is marked for removal and cannot be started", "not_found"],
    [409, "Container x is marked for removal and cannot be connected or disconnected to the network", "not_found"],
    [409, "removal of container x is already in progress", "not_found"],
    [409, "Container x is paused, unpause the container before exec", "invalid_state"],
    [500, "write /x: no space left on device", "resource_exhausted"],
    [500, "--storage-opt is supported only for overlay over xfs with 'pquota' mount option", "unsupported"],
    [500, 'could not select device driver "" with capabilities: [[gpu]]', "unsupported"],
    [501, "not implemented", "unsupported"],
    [503, "starting", "unavailable"],
    [500, "something else", "internal"],
  ])("%i %s", (status, words, code) => {
    const error = of(refused(status, words));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words.trim());
    expect(error.message).not.toContain("HTTP code");
  });

  it("names a port that is taken, whoever has it", () => {
    const docker =
      "driver failed programming external connectivity on endpoint c (5e): Bind for 127.0.0.1:8080 failed: port is already allocated";
    const other =
      "driver failed programming external connectivity on endpoint c (5e): Error starting userland proxy: listen tcp4 127.0.0.1:8081: bind: address already in use";
    const newer =
      "failed to set up container networking: driver failed programming external connectivity on endpoint c (5e): failed to bind host port for 127.0.0.1:8082:172.17.0.2:80/tcp: address already in use";
    const newest = "failed to bind host port 127.0.0.1:8083/tcp: address already in use";
    for (const [words, port] of [
      [docker, 8080],
      [other, 8081],
      [newer, 8082],
      [newest, 8083],
    ] as const) {
      expect(of(refused(500, words))).toMatchObject({ code: "conflict", details: { reason: "port_taken", port } });
    }
  });

  it("names the folder that is not there, and the network", () => {
    const bind = of(refused(400, 'invalid mount config for type "bind": bind source path does not exist: /no/where'));
    expect(bind).toMatchObject({ code: "not_found", details: { kind: "bind", name: "/no/where" } });
    expect(of(refused(404, "network pt-x not found"))).toMatchObject({
      code: "not_found",
      details: { kind: "network", name: "pt-x" },
    });
  });

  it.each(["ECONNREFUSED", "ENOENT", "ECONNRESET", "EPIPE", "DEPTH_ZERO_SELF_SIGNED_CERT"])(
    "is unavailable and may be tried again where nothing answers (%s)",
    (code) => {
      expect(of(Object.assign(new Error(`connect ${code}`), { code }))).toMatchObject({
        code: "unavailable",
        retryable: true,
        details: { endpoint: "unix:///d.sock" },
      });
    },
  );

  it("says what to do where the socket may not be opened", () => {
    expect(of(Object.assign(new Error("connect EACCES"), { code: "EACCES" })).message).toContain("docker group");
  });

  it("leaves podkit's own errors as they are, and takes a cut answer for an engine that went away", () => {
    const own = new PodkitError("timeout", "late");
    expect(of(own)).toBe(own);
    expect(of(new Error("socket hang up")).code).toBe("unavailable");
    expect(of(new Error("what?")).code).toBe("internal");
    expect(of("text").code).toBe("internal");
  });
});

describe("what the engine says of a pull", () => {
  it.each([
    ["manifest for x:9 not found: manifest unknown: manifest unknown", "not_found"],
    [
      "pull access denied for x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
      "not_found",
    ],
    ["no matching manifest for linux/arm64 in the manifest list entries", "not_found"],
    ['Head "http://r/v2/": no basic auth credentials', "unauthenticated"],
    ["unauthorized: authentication required", "unauthenticated"],
    ['Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host', "unavailable"],
    ["toomanyrequests: You have reached your pull rate limit", "resource_exhausted"],
    ["write /var/lib/docker/tmp/x: no space left on device", "resource_exhausted"],
    ["invalid reference format", "invalid_argument"],
    ["something else", "internal"],
  ])("%s", (words, code) => {
    const error = pullError("team/x:9", words);
    expect(error.code).toBe(code);
    expect(error.message).toContain("team/x:9");
    expect(error.details).toEqual({ kind: "image", name: "team/x:9" });
  });
});
