import { CommanderError } from "commander";
import { PodkitError } from "podkit";
import type { Io } from "./io.js";
import { buildProgram } from "./program.js";
import { BROKEN_PIPE, isBrokenPipe, OWN_FAILURE, report } from "./report.js";

/** Runs one command line, without the program's own name before it. Gives the exit code, and never throws. */
export async function cli(args: readonly string[], io: Io, version: string): Promise<number> {
  const flags = reportFlags(args);
  let code = 0;
  const program = buildProgram({ io, version, passThrough: !args.includes("--"), onCode: (given) => (code = given) });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => (flags.json ? undefined : io.stderr.write(text)),
    });
  }
  try {
    // Nothing asked for is a question, not a mistake.
    await program.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return afterParsing(error, flags, io);
    if (isBrokenPipe(error)) return BROKEN_PIPE;
    report(error, flags, io);
    return OWN_FAILURE;
  }
}

/** Commander has told the user already, unless JSON was asked for. */
function afterParsing(
  error: CommanderError,
  flags: { readonly json: boolean; readonly debug: boolean },
  io: Io,
): number {
  if (error.exitCode === 0) return 0;
  if (flags.json) report(new PodkitError("invalid_argument", error.message.replace(/^error: /, "")), flags, io);
  return OWN_FAILURE;
}

/** How errors are shown, before anything is parsed. */
function reportFlags(args: readonly string[]): { readonly json: boolean; readonly debug: boolean } {
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  return { json: own.includes("--json"), debug: own.includes("--debug") };
}
