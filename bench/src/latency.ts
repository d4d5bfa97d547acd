import type Docker from "dockerode";
import { dockerCommand, dockerodeExec } from "./docker-side.js";
import { FORK_EXEC_PROGRAM } from "./inside.js";
import { inTurns, rate, time } from "./measure.js";
import { ms, type Row, times } from "./page.js";
import type { Stack } from "./podkit-side.js";

const ID = { userId: "bench", sessionId: "latency" };

/** `true` by each way, in turns on one container. */
export async function latencyRows(stack: Stack, docker: Docker): Promise<Row[]> {
  const session = await stack.sessions.createSession({ ...ID, config: { cpuLimit: 2, entrypoint: [] } });
  const container = docker.getContainer((await session.info()).containerId);
  const podkitTrue = (): Promise<unknown> => session.executeCommand(["true"]);
  await time(200, podkitTrue);
  const inside: number[] = [];
  const forkExec = async (): Promise<void> => {
    const { stdout } = await session.executeCommand(["python3", "-c", FORK_EXEC_PROGRAM], { check: true });
    inside.push(Number(stdout));
  };
  await forkExec();
  const alone = await time(500, podkitTrue);
  await forkExec();
  const [turns, dockerode] = await inTurns(40, podkitTrue, () => dockerodeExec(container, ["true"]));
  const command = await time(15, () => dockerCommand(container.id, ["true"]));
  const fork = Math.min(...inside);
  const oneByOne = await rate(500, 1, podkitTrue);
  const sixteen = await rate(4000, 16, podkitTrue);
  return [
    { what: "fork+exec of true inside, p50", figure: ms(fork) },
    {
      what: "true by podkit, p50",
      figure: ms(alone.p50),
      ratio: `${times(alone.p50, fork)} fork+exec`,
      target: "2.2x / 1.5x",
    },
    { what: "true by podkit, p50, in turns with dockerode", figure: ms(turns.p50) },
    {
      what: "true by dockerode's exec, p50",
      figure: ms(dockerode.p50),
      ratio: `${times(dockerode.p50, turns.p50)} podkit`,
      target: "25x / 35x",
    },
    {
      what: "true by the docker command, p50",
      figure: ms(command.p50),
      ratio: `${times(command.p50, alone.p50)} podkit`,
    },
    { what: "commands per second, one after another", figure: oneByOne.toFixed(0) },
    { what: "commands per second, 16 at once", figure: sixteen.toFixed(0), target: "900 / 1500" },
  ];
}

/** Commands over many containers at once. */
export async function manyContainersRow(stack: Stack, count: number): Promise<Row> {
  const names = Array.from({ length: count }, (_, index) => ({ userId: "bench", sessionId: `many-${index}` }));
  const sessions = await Promise.all(
    names.map((id) => stack.sessions.createSession({ ...id, config: { entrypoint: [] } })),
  );
  await Promise.all(sessions.map((session) => session.executeCommand(["true"])));
  const perSecond = await rate(
    4000,
    count,
    (index) => sessions[index % count]?.executeCommand(["true"]) ?? Promise.resolve(),
  );
  await Promise.all(sessions.map((session) => session.close()));
  return { what: `commands per second over ${count} containers`, figure: perSecond.toFixed(0) };
}
