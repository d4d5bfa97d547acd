import { setImmediate as yieldToOthers } from "node:timers/promises";
import type { Clock } from "@podkit/core";
import type { FileTree } from "./tree.js";

/** What a fake program sees. */
export interface ProgramContext {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly files: FileTree;
  readonly clock: Clock;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Given when a signal ends it. */
  readonly ended: AbortSignal;
  out(bytes: string | Uint8Array): Promise<void>;
  err(text: string): Promise<void>;
}

/** A program of the fake: gives its exit code. */
export type Program = (context: ProgramContext) => Promise<number>;

/** Waits on the clock; ends early where the program is ended. */
function pause({ clock, ended }: ProgramContext, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, resolve, { hold: true });
    ended.addEventListener("abort", () => {
      timer.cancel();
      resolve();
    });
  });
}

const cat: Program = async (context) => {
  const paths = context.argv.slice(1);
  if (paths.length === 0) for await (const chunk of context.stdin) await context.out(chunk);
  for (const path of paths) {
    const data = context.files.dataOf(path, context.cwd);
    if (data === undefined) {
      await context.err(`cat: can't open '${path}': No such file or directory\n`);
      return 1;
    }
    await context.out(data);
  }
  return 0;
};

const yes: Program = async (context) => {
  const block = Buffer.from("y\n".repeat(8192));
  while (!context.ended.aborted) {
    await context.out(block);
    await yieldToOthers();
  }
  return 0;
};

const sleep: Program = async (context) => {
  await pause(context, Number(context.argv[1]) * 1000);
  return 0;
};

const echo: Program = async ({ argv, out }) => {
  await out(`${argv.slice(1).join(" ")}\n`);
  return 0;
};

const env: Program = async (context) => {
  for (const [name, value] of Object.entries(context.env)) await context.out(`${name}=${value}\n`);
  return 0;
};

const pwd: Program = async ({ cwd, out }) => {
  await out(`${cwd}\n`);
  return 0;
};

/** The programs of the fake `busybox`; there is no shell. */
export const BUSYBOX_PROGRAMS: Readonly<Record<string, Program>> = {
  "/bin/cat": cat,
  "/bin/echo": echo,
  "/bin/env": env,
  "/bin/false": async () => 1,
  "/bin/pwd": pwd,
  "/bin/sleep": sleep,
  "/bin/true": async () => 0,
  "/bin/yes": yes,
};

/** The one program of the fake `static`: `hello TEXT…`, `hello cat`, `hello exit N`. */
export const STATIC_PROGRAMS: Readonly<Record<string, Program>> = {
  "/hello": async (context) => {
    const [, verb, code] = context.argv;
    if (verb === "exit") return Number(code);
    return verb === "cat" ? cat({ ...context, argv: ["cat"] }) : echo(context);
  },
};

/** The one program of the fake `crash`. */
export const CRASH_PROGRAMS: Readonly<Record<string, Program>> = {
  "/crash": async ({ err }) => {
    await err("boom: about to crash\n");
    return 3;
  },
};

/** Finds a program as a shell would: by its path, or by its name in any folder. */
export function findProgram(programs: Readonly<Record<string, Program>>, name: string): Program | undefined {
  if (name.includes("/")) return Object.hasOwn(programs, name) ? programs[name] : undefined;
  return Object.entries(programs).find(([path]) => path.endsWith(`/${name}`))?.[1];
}
