import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { pack } from "tar-stream";
import { docker, IMAGE, until } from "./engine.js";

const run = promisify(execFile);

/** What the registry with login takes. */
export const LOGIN = { username: "pt", password: "secret" } as const;
const HTPASSWD = "pt:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

/** A real registry on a port of the loopback. */
export interface Registry {
  /** Such as `127.0.0.1:40123`. */
  readonly host: string;
  stop(): Promise<void>;
}

export async function startRegistry(options: { readonly login?: boolean } = {}): Promise<Registry> {
  const program = await registryProgram();
  const folder = await mkdtemp(join(tmpdir(), "pt-registry-"));
  const host = `127.0.0.1:${await freePort()}`;
  await writeFile(join(folder, "htpasswd"), HTPASSWD);
  const auth = options.login === true ? { auth: { htpasswd: { realm: "pt", path: join(folder, "htpasswd") } } } : {};
  const config = {
    version: "0.1",
    log: { level: "error" },
    storage: { filesystem: { rootdirectory: folder } },
    http: { addr: host },
    ...auth,
  };
  await writeFile(join(folder, "config.yml"), JSON.stringify(config));
  const child = spawn(program, ["serve", join(folder, "config.yml")], { stdio: "ignore" });
  await until("the registry", async () => (await fetch(`http://${host}/v2/`).catch(() => undefined)) !== undefined);
  return { host, stop: () => stop(child, folder) };
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
  await rm(folder, { recursive: true, force: true });
}

/** Debian's docker-registry: installed, or unpacked into a cache without installing it. */
async function registryProgram(): Promise<string> {
  for (const path of ["/usr/bin/docker-registry", "/usr/local/bin/docker-registry"]) {
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "podkit-tests", "docker-registry");
  const program = join(cache, "usr/bin/docker-registry");
  if (
    await access(program).then(
      () => true,
      () => false,
    )
  )
    return program;
  await mkdir(cache, { recursive: true });
  await run("apt-get", ["-q", "-o", "APT::Sandbox::User=root", "download", "docker-registry"], { cwd: cache });
  const file = (await readdir(cache)).find((name) => name.endsWith(".deb"));
  if (file === undefined) throw new Error("docker-registry could not be had: apt-get install docker-registry");
  await run("dpkg", ["-x", file, cache], { cwd: cache });
  return program;
}

/** Makes an image that has a layer of its own, pushes it, and removes it from the engine, so that a pull has something to do. */
export async function pushFreshImage(name: string): Promise<void> {
  const container = await docker.createContainer({
    name: `pt-push-${randomBytes(4).toString("hex")}`,
    Image: IMAGE,
    Cmd: ["true"],
  });
  const archive = pack();
  archive.entry({ name: "fresh" }, randomBytes(4_000_000));
  archive.finalize();
  await container.putArchive(Readable.from(archive), { path: "/" });
  const at = name.lastIndexOf(":");
  await container.commit({ repo: name.slice(0, at), tag: name.slice(at + 1) });
  await container.remove();
  const stream = await docker.getImage(name).push({ authconfig: { ...LOGIN, serveraddress: "" } });
  let said = "";
  for await (const chunk of stream) said += String(chunk);
  if (said.includes("errorDetail")) throw new Error(said);
  await docker.getImage(name).remove();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
