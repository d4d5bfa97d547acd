import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PullProgress } from "@podkit/core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DockerBackend } from "../src/index.js";
import { docker, errorOf, IMAGE } from "./support/engine.js";
import { LOGIN, pushFreshImage, type Registry, startRegistry } from "./support/registry.js";

const backend = new DockerBackend({ env: { HOME: "/nonexistent" } });
let open: Registry;
let closed: Registry;
let folder = "";
const image = (registry: Registry, tag = "1"): string => `${registry.host}/pt/app:${tag}`;

beforeAll(async () => {
  open = await startRegistry();
  closed = await startRegistry({ login: true });
  await pushFreshImage(image(open));
  await pushFreshImage(image(closed));
  folder = await mkdtemp(join(tmpdir(), "pt-docker-config-"));
});
afterEach(async () => {
  for (const registry of [open, closed])
    await docker
      .getImage(image(registry))
      .remove({ force: true })
      .catch(() => undefined);
});
afterAll(async () => {
  await Promise.all([open?.stop(), closed?.stop(), backend.close()]);
  await rm(folder, { recursive: true, force: true });
});

describe("an image", () => {
  it("that is there is not pulled, and tells what it is", async () => {
    const seen: PullProgress[] = [];
    const info = await backend.ensureImage(
      { image: IMAGE, pullPolicy: "missing" },
      { onProgress: (progress) => seen.push(progress) },
    );
    expect(seen).toEqual([]);
    expect(info).toMatchObject({ platform: "linux/amd64" });
    expect(info.id).toMatch(/^sha256:/);
    expect(await backend.inspectImage(IMAGE)).toEqual(info);
  });

  it("that is missing is pulled, with its progress, and by its digest", async () => {
    const seen: PullProgress[] = [];
    const request = { image: image(open), pullPolicy: "missing" } as const;
    const onProgress = (progress: PullProgress): void => {
      seen.push(progress);
      throw new Error("a listener that throws disturbs nothing");
    };
    const info = await backend.ensureImage(request, { onProgress });
    expect(seen.map(({ status }) => status)).toEqual(expect.arrayContaining(["Downloading", "Pull complete"]));
    expect(seen.find(({ status }) => status === "Downloading")).toMatchObject({
      image: image(open),
      totalBytes: expect.any(Number),
      layer: expect.any(String),
    });
    const { RepoDigests } = await docker.getImage(image(open)).inspect();
    const digest = RepoDigests.find((one) => one.startsWith(open.host)) ?? "";
    await docker.getImage(image(open)).remove();
    expect((await backend.ensureImage({ image: digest, pullPolicy: "missing" })).id).toBe(info.id);
    await docker.getImage(digest).remove();
  });

  it("is pulled once for callers at once; an abort ends only its caller's waiting", async () => {
    const request = { image: image(open), pullPolicy: "always" } as const;
    const controller = new AbortController();
    const given = errorOf(
      backend.ensureImage(request, { signal: controller.signal, onProgress: () => controller.abort() }),
    );
    const others = await Promise.all([backend.ensureImage(request), backend.ensureImage(request)]);
    expect(others[0]).toEqual(others[1]);
    expect((await given).code).toBe("aborted");
  });

  it("row 30: that no registry has is not_found, naming it", async () => {
    const error = await errorOf(backend.ensureImage({ image: image(open, "none"), pullPolicy: "missing" }));
    expect(error).toMatchObject({ code: "not_found", details: { kind: "image", name: image(open, "none") } });
    expect(error.message).toContain(image(open, "none"));
    const never = await errorOf(backend.ensureImage({ image: image(open), pullPolicy: "never" }));
    expect(never.code).toBe("not_found");
    expect(never.message).toContain("never");
  });

  it("of a registry that is not reached is unavailable, naming it", async () => {
    const error = await errorOf(backend.ensureImage({ image: "127.0.0.1:1/pt/app:1", pullPolicy: "missing" }));
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    expect(error.message).toContain("127.0.0.1:1/pt/app:1");
  });

  it("for another platform than is asked for is not_found", async () => {
    const error = await errorOf(backend.ensureImage({ image: IMAGE, pullPolicy: "never", platform: "linux/arm64" }));
    expect(error.code).toBe("not_found");
    expect(error.message).toContain("linux/amd64");
  });

  it("by a name that is none is refused", async () => {
    for (const name of ["", "../x", "UP PER", "a b", "x\n", "http://x/y", "-x"]) {
      expect((await errorOf(backend.ensureImage({ image: name, pullPolicy: "missing" }))).code).toBe(
        "invalid_argument",
      );
    }
  });
});

describe("a registry with login", () => {
  const request = (): { image: string; pullPolicy: "missing" } => ({ image: image(closed), pullPolicy: "missing" });
  const withConfig = async (config: unknown): Promise<DockerBackend> => {
    await writeFile(join(folder, "config.json"), JSON.stringify(config));
    return new DockerBackend({
      env: { ...process.env, DOCKER_CONFIG: folder, PATH: `${folder}/bin:${process.env["PATH"] ?? ""}` },
    });
  };

  it("is unauthenticated without one and with a wrong one, and the password is nowhere in the error", async () => {
    expect((await errorOf(backend.ensureImage(request()))).code).toBe("unauthenticated");
    const error = await errorOf(
      backend.ensureImage({ ...request(), registryAuth: { username: "pt", password: "wrong-pass" } }),
    );
    expect(error.code).toBe("unauthenticated");
    expect(JSON.stringify([error, error.message, error.cause, String(error.stack)])).not.toContain("wrong-pass");
  });

  it("takes a login that is given, or found by a function", async () => {
    await backend.ensureImage({ ...request(), registryAuth: LOGIN });
    await docker.getImage(image(closed)).remove();
    const asked: string[] = [];
    await backend.ensureImage({
      ...request(),
      registryAuth: (registry) => {
        asked.push(registry);
        return LOGIN;
      },
    });
    expect(asked).toEqual([closed.host]);
  });

  it("is not told a login for another registry", async () => {
    const registryAuth = { ...LOGIN, serverAddress: "registry.example.com" };
    expect((await errorOf(backend.ensureImage({ ...request(), registryAuth }))).code).toBe("unauthenticated");
  });

  it("takes the login of Docker's config file", async () => {
    const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString("base64");
    const other = await withConfig({ auths: { [closed.host]: { auth } } });
    await other.ensureImage(request());
    await other.close();
  });

  it("takes the login of a credential helper", async () => {
    await mkdir(join(folder, "bin"), { recursive: true });
    const helper = join(folder, "bin/docker-credential-pttest");
    await writeFile(
      helper,
      `#!/bin/sh\nread server\n[ "$1 $server" = "get ${closed.host}" ] || exit 1\necho '{"Username":"pt","Secret":"secret"}'\n`,
    );
    await chmod(helper, 0o755);
    const other = await withConfig({ credHelpers: { [closed.host]: "pttest" } });
    await other.ensureImage(request());
    await other.close();
    const missing = await withConfig({ credsStore: "pt-no-such-helper" });
    const error = await errorOf(missing.ensureImage({ ...request(), pullPolicy: "always" }));
    expect(error).toMatchObject({ code: "unauthenticated", details: { helper: "pt-no-such-helper" } });
    await missing.close();
  });
});
