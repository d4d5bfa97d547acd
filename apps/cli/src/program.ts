import { Command } from "commander";
import { cp } from "./commands/cp.js";
import { doctor } from "./commands/doctor.js";
import { exec } from "./commands/exec.js";
import { logs } from "./commands/logs.js";
import { run } from "./commands/run.js";
import { info, ls, rm, stop } from "./commands/sessions.js";
import { EXAMPLES } from "./examples.js";
import type { Io } from "./io.js";

/** What the program is made of. */
export interface ProgramParts {
  readonly io: Io;
  readonly version: string;
  /** True where the command line has no `--`: then flags after the first word are the command's own. */
  readonly passThrough: boolean;
  /** Told the exit code of the command that ran. */
  readonly onCode: (code: number) => void;
}

/** The whole command line. */
export function buildProgram({ io, version, passThrough, onCode }: ProgramParts): Command {
  const program = new Command("podkit")
    .description("Sandboxed container sessions. SESSION is USER/SESSION, or --user and --session.")
    .version(version)
    .enablePositionalOptions()
    .showHelpAfterError("(podkit COMMAND --help shows what it takes)")
    .addHelpText("after", EXAMPLES.podkit);
  const add = (usage: string, description: string, example: string): Command =>
    common(program.command(usage).description(description)).addHelpText("after", example);

  for (const command of commands(add, io, onCode)) command.passThroughOptions(passThrough);
  add("ls", "List sessions, running or not", EXAMPLES.ls)
    .option("-q, --quiet", "names only")
    .action(async (flags) => onCode(await ls(flags, io)));
  named(add("info [SESSION]", "Show a session: state, limits, ports, engine", EXAMPLES.info)).action(
    async (session, flags) => onCode(await info(listOf(session), flags, io)),
  );
  named(
    add("stop [SESSION...]", "Stop sessions; their files stay, and the next command starts them", EXAMPLES.stop),
  ).action(async (sessions, flags) => onCode(await stop(sessions, flags, io)));
  named(add("rm [SESSION...]", "Remove sessions; workspaces on the host stay", EXAMPLES.rm)).action(
    async (sessions, flags) => onCode(await rm(sessions, flags, io)),
  );
  add("cp <FROM> <TO>", "Copy a file or folder; one side is USER/SESSION:PATH", EXAMPLES.cp).action(
    async (from, to, flags) => onCode(await cp(from, to, flags, io)),
  );
  named(add("logs [SESSION]", "Show what the container's own program wrote", EXAMPLES.logs))
    .option("-f, --follow", "go on until it ends")
    .option("-n, --tail <LINES>", "the last so many lines")
    .action(async (session, flags) => onCode(await logs(listOf(session), flags, io)));
  add("doctor", "Show where Docker was looked for, and what answered", EXAMPLES.doctor).action(async (flags) =>
    onCode(await doctor(flags, io)),
  );
  return program;
}

/** What runs a command. */
function commands(
  add: (usage: string, description: string, example: string) => Command,
  io: Io,
  onCode: (code: number) => void,
): Command[] {
  const runs = ofCommand(
    named(add("run [COMMAND...]", "Run a command in a new container, which is removed afterwards", EXAMPLES.run)),
  )
    .option("--image <IMAGE>", "image to run in")
    .option("--pull <POLICY>", "when to pull it: missing, always or never")
    .option("--cpus <N>", "how many cores it may use")
    .option("--memory <SIZE>", "how much memory, such as 512m")
    .option("--pids <N>", "how many processes")
    .option("--network <NETWORK>", "none, internal, host, or a network's name")
    .option("--read-only", "the image's own files cannot be changed")
    .option("-v, --volume <SOURCE:TARGET[:ro]>", "mount a folder or volume (again for more)", collect)
    .option("-p, --publish <[ADDRESS:][HOST:]PORT>", "publish a port (again for more)", collect)
    .option("--on-mismatch <WHAT>", "where the session has another configuration: error, reuse or recreate it")
    .option("--file <LOCAL[:PATH]>", "put a file or folder in first (again for more)", collect)
    .action(async (argv, flags) => onCode(await run(argv, flags, io)));
  const execs = ofCommand(
    named(add("exec [ARGS...]", "Run a command in a session: SESSION -- COMMAND", EXAMPLES.exec)),
  ).action(async (args, flags) => onCode(await exec(args, flags, io)));
  return [runs, execs];
}

function common(of: Command): Command {
  return of
    .option("--json", "results, and errors on stderr, as JSON")
    .option("--debug", "show where an error came from")
    .option("--prefix <PREFIX>", "which application's sessions (default: podkit)")
    .option("--docker-host <ADDRESS>", "where Docker answers, as DOCKER_HOST");
}

function named(of: Command): Command {
  return of.option("--user <USER>", "the session's user").option("--session <SESSION>", "the session's name");
}

function ofCommand(of: Command): Command {
  return of
    .option("-e, --env <NAME[=VALUE]>", "environment of the command (again for more)", collect)
    .option("-w, --workdir <FOLDER>", "where it starts")
    .option("--run-as <USER>", "who runs it: name, uid or uid:gid")
    .option("--timeout <TIME>", "end it after that, such as 30s; its exit code is 124 then")
    .option("-t, --tty", "give it a terminal (default: where stdin and stdout are one)")
    .option("-T, --no-tty", "give it none");
}

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function listOf(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}
