import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type Docker from "dockerode";
import { rawColdStart } from "./docker-side.js";
import { inTurns, summarize } from "./measure.js";
import { ms, type Row, times } from "./page.js";
import { PREFIX, type Stack } from "./podkit-side.js";

const run = promisify(execFile);

/** From nothing to the first output, against the raw calls. */
export async function coldRow(stack: Stack, docker: Docker, image: string): Promise<Row[]> {
  let round = 0;
  const made: Docker.Container[] = [];
  const closing: (() => Promise<void>)[] = [];
  const cold = async (): Promise<void> => {
    round += 1;
    const session = await stack.sessions.createSession({
      userId: "bench",
      sessionId: `cold-${round}`,
      config: { entrypoint: [] },
    });
    await session.executeCommand(["echo", "hello"]);
    closing.push(() => session.close());
  };
  const raw = async (): Promise<void> => {
    made.push(await rawColdStart(docker, image, { "dev.podkit.prefix": PREFIX }));
  };
  const [podkit, bare] = await inTurns(8, cold, raw);
  await Promise.all(closing.map((close) => close()));
  await Promise.all(made.map((container) => container.remove({ force: true })));
  return [
    { what: "raw create + start + exec, p50", figure: ms(bare.p50) },
    {
      what: "cold session to first output, p50",
      figure: ms(podkit.p50),
      ratio: `${times(podkit.p50, bare.p50)} raw`,
      target: "1.2x / 1.0x",
    },
  ];
}

/** A new program to first output on a session that is there, against a new program's raw exec. */
export async function reconnectRow(stack: Stack, image: string): Promise<Row[]> {
  const id = { userId: "bench", sessionId: "reconnect" };
  const session = await stack.sessions.createSession({ ...id, config: { entrypoint: [] } });
  const { containerId } = await session.info();
  const podkit: number[] = [];
  const raw: number[] = [];
  for (let round = 0; round < 9; round += 1) {
    podkit.push(await program("reconnect-program.ts", [image, id.sessionId]));
    raw.push(await program("raw-program.ts", [containerId]));
  }
  await session.close();
  const ours = summarize(podkit);
  const theirs = summarize(raw);
  return [
    { what: "a new program's raw exec, p50", figure: ms(theirs.p50) },
    {
      what: "a new program's reconnect to first output, p50",
      figure: ms(ours.p50),
      ratio: `${times(ours.p50, theirs.p50)} raw`,
      target: "1.5x / 1.1x",
    },
  ];
}

async function program(file: string, args: readonly string[]): Promise<number> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const { stdout } = await run(process.execPath, ["--import", "tsx", path, ...args]);
  return Number(stdout);
}
