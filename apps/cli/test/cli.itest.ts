import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createPodkit } from "podkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLI_COMMAND, runCli, startCli } from "./support/run-cli.js";

const PREFIX = "pt-cli";
const IMAGE = "podkit-test/busybox:1";
const FLAGS = ["--prefix", PREFIX];
const podkit = createPodkit({ prefix: PREFIX });
let folder = "";

const exec = (...command: string[]) => ["exec", ...FLAGS, "bob/1", "--", ...command];
const run = (...args: string[]) => ["run", ...FLAGS, "--image", IMAGE, ...args];

async function clear(): Promise<void> {
  for (const { userId, sessionId } of await podkit.list()) {
    await (await podkit.findSession({ userId, sessionId })).close();
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pt-cli-"));
  await clear();
  const made = await runCli(run("--user", "bob", "--session", "1", "--", "true"));
  expect(made).toMatchObject({ code: 0, stderr: "" });
});

afterAll(async () => {
  await clear();
  await podkit.shutdown();
  await rm(folder, { recursive: true, force: true });
});

describe("run and exec", () => {
  it("27 run passes streams and code on, puts files in, and leaves nothing", async () => {
    await writeFile(join(folder, "main.sh"), "cat; echo err >&2; exit 7");
    const ran = await runCli(run("--file", join(folder, "main.sh"), "--", "sh", "main.sh"), { stdin: "in" });
    expect(ran).toEqual({ code: 7, signal: null, stdout: "in", stderr: "err\n" });
    expect((await podkit.list()).map(({ sessionId }) => sessionId)).toEqual(["1"]);
  });

  it("126 and 127 are the command's, 125 is podkit's own", async () => {
    expect((await runCli(exec("missing-program"))).code).toBe(127);
    expect((await runCli(exec("/etc/passwd"))).code).toBe(126);
    expect((await runCli(["exec", ...FLAGS, "eve/1", "--", "true"])).code).toBe(125);
  });

  it("46 a megabyte of stdin comes out whole", async () => {
    const bytes = randomBytes(1024 * 1024);
    const { stdout } = await runCli(exec("sha256sum"), { stdin: bytes });
    expect(stdout).toContain(createHash("sha256").update(bytes).digest("hex"));
  });

  it("environment, folder, user and deadline are the command's", async () => {
    const flags = ["-e", "A=1", "-e", "B", "-w", "/tmp", "--run-as", "nobody"];
    const script = 'echo "$A $B $(pwd) $(id -un)"';
    const ran = await runCli(["exec", ...FLAGS, ...flags, "bob/1", "--", "sh", "-c", script], { env: { B: "2" } });
    expect(ran.stdout).toBe("1 2 /tmp nobody\n");
    expect((await runCli(["exec", ...FLAGS, "--timeout", "300ms", "bob/1", "--", "sleep", "60"])).code).toBe(124);
  });

  it("--json gives the result, and the code all the same", async () => {
    const ran = await runCli(["exec", "--json", ...FLAGS, "bob/1", "--", "sh", "-c", "echo out; exit 3"]);
    expect(ran.code).toBe(3);
    expect(JSON.parse(ran.stdout)).toMatchObject({ exitCode: 3, stdout: "out\n", timedOut: false, truncated: false });
  });

  it("SIGINT is the command's: its answer counts, else 130", async () => {
    const answering = 'trap "echo got; exit 9" INT; echo ready; while :; do sleep 0.1; done';
    const answered = await runCli(exec("sh", "-c", answering), { when: { output: "ready", send: "SIGINT" } });
    expect(answered).toMatchObject({ code: 9, stdout: "ready\ngot\n" });
    const script = "echo ready; exec sleep 60";
    const ended = await runCli(exec("sh", "-c", script), { when: { output: "ready", send: "SIGINT" } });
    expect(ended.code).toBe(130);
  });

  it("a reader that goes away ends the command", async () => {
    const child = startCli(exec("sh", "-c", "echo $$ > /workspace/pid; exec yes"));
    child.stdin.end();
    child.stdout.once("data", () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on("exit", resolve));
    expect(code).toBe(141);
    const alive = await runCli(exec("sh", "-c", "kill -0 $(cat /workspace/pid)"));
    expect(alive.code).not.toBe(0);
  });
});

describe("logs that nobody reads any more", () => {
  it("are no failure of podkit's", async () => {
    const script = "i=0; while [ $i -lt 20000 ]; do echo a line of some length; i=$((i+1)); done; sleep 600";
    await using _session = await podkit.getSession({
      userId: "bob",
      sessionId: "flood",
      config: { image: IMAGE, entrypoint: ["sh", "-c", script] },
    });
    const child = startCli(["logs", "-f", ...FLAGS, "bob/flood"]);
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdin.end();
    child.stdout.once("data", () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect([code, stderr]).toEqual([141, ""]);
  });
});

describe("a terminal", () => {
  interface Step {
    readonly wait: string;
    readonly type?: string;
    readonly resize?: readonly [rows: number, columns: number];
  }

  async function inTerminal(args: readonly string[], steps: readonly Step[]): Promise<Record<string, unknown>> {
    const argv = [
      "env",
      `TSX_TSCONFIG_PATH=${CLI_COMMAND.tsconfig}`,
      "TERM=xterm",
      CLI_COMMAND.file,
      ...CLI_COMMAND.args,
      ...args,
    ];
    const child = spawn("python3", [fileURLToPath(new URL("support/terminal.py", import.meta.url))], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const out: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stdin.end(JSON.stringify({ argv, cwd: CLI_COMMAND.cwd, steps }));
    await new Promise((resolve) => child.on("close", resolve));
    return JSON.parse(Buffer.concat(out).toString());
  }

  it("is passed on: size, resize, keys and Ctrl-C, and is itself again afterwards", async () => {
    const seen = await inTerminal(exec("sh"), [
      { wait: "# ", type: "tty; stty size; echo $TERM\n" },
      { wait: "/dev/pts/" },
      { wait: "30 100" },
      { wait: "xterm", resize: [20, 50] },
      { wait: "# ", type: "until stty size | grep 20; do sleep 0.1; done\n" },
      { wait: "20 50" },
      { wait: "# ", type: "echo wai''ting; sleep 60\n" },
      { wait: "waiting", type: "\u0003" },
      { wait: "# ", type: "exit 7\n" },
    ]);
    expect(seen).toMatchObject({ code: 7, missed: [], echo: true });
  });

  it("is not given with --no-tty", async () => {
    const seen = await inTerminal(
      ["exec", "-T", ...FLAGS, "bob/1", "--", "sh", "-c", "tty; echo done"],
      [{ wait: "done" }],
    );
    expect(seen).toMatchObject({ code: 0, missed: [] });
    expect(String(seen["output"])).toContain("not a tty");
  });
});

describe("sessions", () => {
  it("ls, info and logs, for people and programs", async () => {
    expect((await runCli(["ls", ...FLAGS])).stdout).toMatch(/^SESSION +STATE +CREATED +CONTAINER\nbob\/1 +running /);
    expect((await runCli(["ls", "-q", ...FLAGS])).stdout).toBe("bob/1\n");
    expect(JSON.parse((await runCli(["ls", "--json", ...FLAGS])).stdout)).toMatchObject([
      { userId: "bob", state: "running" },
    ]);
    const shown = await runCli(["info", ...FLAGS, "--user", "bob", "--session", "1"]);
    expect(shown.stdout).toMatch(/image: +podkit-test\/busybox:1\n[\s\S]*512 MiB of memory/);
    const info = JSON.parse((await runCli(["info", "--json", ...FLAGS, "bob/1"])).stdout);
    expect(info).toMatchObject({ backend: "docker", limits: { pids: { value: 512, enforced: true } } });
    const printing = podkit.getSession({
      userId: "bob",
      sessionId: "logs",
      config: { image: IMAGE, entrypoint: ["sh", "-c", "echo one; echo two; echo err >&2; sleep 600"] },
    });
    await using _session = await printing;
    const logs = await runCli(["logs", ...FLAGS, "bob/logs"]);
    expect(logs).toMatchObject({ code: 0, stdout: "one\ntwo\n", stderr: "err\n" });
    const tail = await runCli(["logs", "--json", "-n", "3", ...FLAGS, "bob/logs"]);
    const lines = tail.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ stream: "stderr", text: expect.stringContaining("err") }));
  });

  it("cp copies files and folders both ways, into folders under their own names", async () => {
    const local = join(folder, "tree");
    await mkdir(join(local, "sub"), { recursive: true });
    await writeFile(join(local, "sub/ü file"), "content");
    await symlink("sub", join(local, "link"));
    const cp = (...args: string[]) => runCli(["cp", ...FLAGS, ...args]);
    expect(await cp(local, "bob/1:/workspace")).toMatchObject({ code: 0, stderr: "" });
    expect((await runCli(exec("cat", "/workspace/tree/link/ü file"))).stdout).toBe("content");
    expect(await cp("bob/1:/workspace/tree/sub/ü file", `${folder}/`)).toMatchObject({ code: 0, stderr: "" });
    expect(await readFile(join(folder, "ü file"), "utf8")).toBe("content");
    expect(await cp("bob/1:tree", join(folder, "back"))).toMatchObject({ code: 0, stderr: "" });
    expect(await readFile(join(folder, "back/link/ü file"), "utf8")).toBe("content");
    expect(await cp("bob/1:missing", folder)).toMatchObject({ code: 125 });
    expect((await cp("bob/1:missing", folder)).stderr).toContain("missing");
  });

  it("stop keeps the files, exec starts it again, rm removes it", async () => {
    await runCli(exec("sh", "-c", "echo kept > /workspace/kept"));
    expect(await runCli(["stop", ...FLAGS, "bob/1"])).toMatchObject({ code: 0, stdout: "bob/1 stopped\n" });
    expect((await podkit.list()).map(({ state }) => state)).toEqual(["stopped"]);
    expect((await runCli(exec("cat", "/workspace/kept"))).stdout).toBe("kept\n");
    expect(await runCli(["rm", "--json", ...FLAGS, "bob/1"])).toMatchObject({ code: 0 });
    expect(await podkit.list()).toEqual([]);
    const missing = await runCli(["rm", ...FLAGS, "bob/1"]);
    expect(missing.code).toBe(125);
    expect(missing.stderr).toContain("podkit run --user bob --session 1 -- COMMAND");
  });

  it("rm removes what is there beside what is not", async () => {
    const run = (...args: string[]) =>
      runCli(["run", ...FLAGS, "--image", IMAGE, "--user", "bob", "--session", "3", ...args, "--", "true"]);
    expect(await run()).toMatchObject({ code: 0 });
    const other = await run("--memory", "64m");
    expect([other.code, other.stderr]).toEqual([125, expect.stringContaining("--on-mismatch reuse or recreate")]);
    expect(await run("--memory", "64m", "--on-mismatch", "recreate")).toMatchObject({ code: 0 });
    const removed = await runCli(["rm", ...FLAGS, "bob/2", "bob/3", "bob/4"]);
    expect(removed).toMatchObject({ code: 125, stdout: "bob/3 removed\n" });
    expect(removed.stderr.match(/There is no session/g)).toHaveLength(2);
    expect(await podkit.list()).toEqual([]);
  });

  it("doctor names the engine that answers", async () => {
    const { stdout } = await promisify(execFile)("docker", ["version", "--format", "{{.Server.Version}}"]);
    const seen = await runCli(["doctor", ...FLAGS]);
    expect(seen.code).toBe(0);
    expect(seen.stdout).toContain(`docker ${stdout.trim()}`);
  });
});
