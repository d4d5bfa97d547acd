import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { until, within } from "./wait.js";

const run = promisify(execFile);

/** Why a daemon of our own cannot run here; empty where it can. */
export function whyNoDaemon(): string {
  if (process.getuid?.() !== 0) return "a Docker daemon of the test's own needs root";
  const folders = (process.env["PATH"] ?? "").split(":");
  const missing = ["dockerd", "unshare"].filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  return missing.length === 0 ? "" : `there is no ${missing.join(", no ")} on this machine`;
}

/** A Docker daemon of the test's own, that can be killed without harm to anything else. */
export class OwnDaemon {
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts one in a new folder. */
  static async start(): Promise<OwnDaemon> {
    const daemon = new OwnDaemon(await mkdtemp(join(tmpdir(), "pt-dockerd-")));
    await daemon.start();
    return daemon;
  }

  /** What DOCKER_HOST is for it. */
  get host(): string {
    return `unix://${this.#folder}/docker.sock`;
  }

  /** Starts it, for the first time or again, and waits until it answers. */
  async start(): Promise<void> {
    const log = openSync(join(this.#folder, "dockerd.log"), "a");
    const argv = [
      `--data-root=${this.#folder}/data`,
      `--exec-root=${this.#folder}/exec`,
      `--pidfile=${this.#folder}/dockerd.pid`,
      `--host=${this.host}`,
      "--bridge=none",
      "--iptables=false",
      // Where a containerd is shared with another daemon, nothing else is.
      "--containerd-namespace=pt-own",
      "--containerd-plugins-namespace=pt-own-plugins",
    ];
    // In a network of its own: a daemon without a bridge removes docker0, which is another daemon's.
    this.#process = spawn("unshare", ["--net", "dockerd", ...argv], { stdio: ["ignore", log, log], detached: true });
    closeSync(log);
    await until("the daemon's start", 60_000, async () => (await this.docker("version").catch(() => "")) !== "");
  }

  /** Runs the docker command on it. */
  async docker(...argv: readonly string[]): Promise<string> {
    return (await run("docker", ["--host", this.host, ...argv], { timeout: 30_000 })).stdout;
  }

  /** Copies an image from the daemon of this machine. */
  async load(image: string): Promise<void> {
    const file = join(this.#folder, "image.tar");
    await run("docker", ["save", "--output", file, image], { timeout: 60_000 });
    await this.docker("load", "--input", file);
    await rm(file);
  }

  /** kill -9 of the daemon alone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
    await rm(join(this.#folder, "dockerd.pid"), { force: true });
  }

  /** Removes its containers, ends it and all that it started, and removes its folder. */
  async close(): Promise<void> {
    const containers = (await this.docker("ps", "--all", "--quiet").catch(() => ""))
      .split("\n")
      .filter((id) => id !== "");
    if (containers.length > 0) await this.docker("rm", "--force", "--volumes", ...containers);
    await this.#end("SIGTERM");
    await this.#endContainerd();
    for (const mount of await this.#mounts()) await run("umount", ["--lazy", mount]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await within("the daemon's end", 30_000, ended);
  }

  /** A daemon that was killed leaves the containerd that it started. */
  async #endContainerd(): Promise<void> {
    const pid = Number(await readFile(join(this.#folder, "exec/containerd/containerd.pid"), "utf8").catch(() => "0"));
    if (pid <= 1) return;
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (!command.includes(this.#folder)) return;
    process.kill(pid, "SIGTERM");
    await until("containerd's end", 20_000, async () => !existsSync(`/proc/${pid}`));
  }

  /** What is mounted below its folder, the deepest first. */
  async #mounts(): Promise<string[]> {
    const lines = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
    const points = lines
      .map((line) => line.split(" ")[4] ?? "")
      .filter((point) => point.startsWith(`${this.#folder}/`));
    return points.sort((a, b) => b.length - a.length);
  }
}
