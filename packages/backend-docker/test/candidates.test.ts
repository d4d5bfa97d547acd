import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { candidates, type DockerConnectionOptions, type Surroundings } from "../src/connect/candidates.js";
import { parseEndpoint } from "../src/connect/endpoint.js";
import { errorIn } from "./support/errors.js";

function around(change: Partial<Surroundings> = {}, files: Readonly<Record<string, string>> = {}): Surroundings {
  return { env: {}, home: "/home/bob", platform: "linux", readFile: (path) => files[path], ...change };
}
function urls(options: DockerConnectionOptions, surroundings: Surroundings): string[] {
  return candidates(options, surroundings).map(({ source, endpoint }) => `${source} ${endpoint.url}`);
}
const contextFile = (name: string): string =>
  `/home/bob/.docker/contexts/meta/${createHash("sha256").update(name).digest("hex")}/meta.json`;
const meta = (host: string): string =>
  JSON.stringify({ Name: "x", Endpoints: { docker: { Host: host, SkipTLSVerify: false } } });

describe("row 51: where Docker is looked for", () => {
  const everything = {
    "/home/bob/.docker/config.json": '{"currentContext":"colima"}',
    [contextFile("colima")]: meta("unix:///colima.sock"),
  };
  const env = { DOCKER_HOST: "tcp://10.0.0.1:2375", XDG_RUNTIME_DIR: "/run/user/1000" };

  it("what the program says is alone", () => {
    expect(urls({ socketPath: "/a.sock", host: "tcp://b:1" }, around({ env }, everything))).toEqual([
      "option unix:///a.sock",
    ]);
    expect(urls({ host: "tcp://b:1" }, around({ env }, everything))).toEqual(["option tcp://b:1"]);
  });

  it("then DOCKER_HOST, then the context, then the usual sockets in their order", () => {
    expect(urls({}, around({ env }, everything))).toEqual(["DOCKER_HOST tcp://10.0.0.1:2375"]);
    expect(urls({}, around({ env: { ...env, DOCKER_HOST: "" } }, everything))).toEqual([
      'context "colima" unix:///colima.sock',
    ]);
    expect(urls({}, around({ env: { XDG_RUNTIME_DIR: "/run/user/1000" } }))).toEqual([
      "socket unix:///var/run/docker.sock",
      "socket unix:///run/user/1000/docker.sock",
      "socket unix:///home/bob/.docker/run/docker.sock",
      "socket unix:///home/bob/.docker/desktop/docker.sock",
      "socket unix:///home/bob/.colima/default/docker.sock",
      "socket unix:///home/bob/.orbstack/run/docker.sock",
      "socket unix:///home/bob/.rd/docker.sock",
      "socket unix:///run/user/1000/podman/podman.sock",
      "socket unix:///run/podman/podman.sock",
    ]);
  });

  it("on macOS Podman's machines too, on Windows the named pipe", () => {
    const mac = urls({}, around({ platform: "darwin", env: { TMPDIR: "/tmp/x" } }));
    expect(mac).toContain("socket unix:///tmp/x/podman/podman-machine-default-api.sock");
    expect(mac).toContain("socket unix:///home/bob/.local/share/containers/podman/machine/podman.sock");
    expect(urls({}, around({ platform: "win32" }))).toEqual(["socket npipe:////./pipe/docker_engine"]);
  });

  it("DOCKER_CONTEXT wins over the config file; default means the usual sockets", () => {
    const files = { ...everything, [contextFile("far")]: meta("ssh://me@far") };
    expect(urls({}, around({ env: { DOCKER_CONTEXT: "far" } }, files))).toEqual(['context "far" ssh://far']);
    expect(urls({}, around({ env: { DOCKER_CONTEXT: "default" } }, files))[0]).toBe(
      "socket unix:///var/run/docker.sock",
    );
    expect(urls({}, around({}, { "/home/bob/.docker/config.json": "{broken" }))[0]).toBe(
      "socket unix:///var/run/docker.sock",
    );
  });

  it("a context that is not there is an error, not another engine", () => {
    const error = errorIn(() => candidates({}, around({ env: { DOCKER_CONTEXT: "gone" } })));
    expect(error).toMatchObject({ code: "not_found", details: { context: "gone" } });
  });

  it("certificates come from DOCKER_CERT_PATH, a context's from its own folder", () => {
    const files = { "/certs/ca.pem": "CA", "/certs/cert.pem": "CERT", "/certs/key.pem": "KEY" };
    const [found] = candidates(
      {},
      around({ env: { DOCKER_HOST: "tcp://far", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" } }, files),
    );
    expect(found?.endpoint).toEqual({
      kind: "tcp",
      url: "tcp://far:2376",
      host: "far",
      port: 2376,
      tls: { ca: "CA", cert: "CERT", key: "KEY", verify: true },
    });
    const [loose] = candidates({}, around({ env: { DOCKER_HOST: "tcp://far:9", DOCKER_CERT_PATH: "/certs" } }, files));
    expect(loose?.endpoint).toMatchObject({ tls: { verify: false } });
  });
});

describe("an engine's address", () => {
  it.each([
    ["unix:///x/y.sock", { kind: "socket", path: "/x/y.sock" }],
    ["unix://", { kind: "socket", path: "/var/run/docker.sock" }],
    ["npipe:////./pipe/other", { kind: "socket", path: "//./pipe/other" }],
    ["tcp://h", { kind: "tcp", host: "h", port: 2375 }],
    ["h:99", { kind: "tcp", host: "h", port: 99 }],
    ["http://h", { kind: "tcp", host: "h", port: 80 }],
    ["https://h:2376", { kind: "tcp", host: "h", port: 2376, tls: { verify: true } }],
    ["tcp://[::1]:2375", { kind: "tcp", host: "::1", port: 2375 }],
    ["ssh://me@far:2222", { kind: "ssh", host: "far", port: 2222, username: "me" }],
  ])("%s", (address, endpoint) => {
    expect(parseEndpoint(address, "test")).toMatchObject(endpoint);
  });

  it.each(["", "ftp://x", "tcp://", "http://:80", "unix:/x", "tcp://user:hunter2@"])(
    "%j is refused without showing it",
    (address) => {
      const error = errorIn(() => parseEndpoint(address, "DOCKER_HOST"));
      expect(error).toMatchObject({ code: "invalid_argument" });
      expect(error.message).toContain("DOCKER_HOST");
      expect(error.message).not.toContain("hunter2");
    },
  );
});
