import type Docker from "dockerode";
import { dockerCommand, dockerodeExec } from "./docker-side.js";
import { FORK_EXEC_PROGRAM, VFORK_EXEC_PROGRAM } from "./inside.js";
import { inTurns, rate, time } from "./measure.js";
import { ms, type Row, times } from "./page.js";
import type { Stack } from "./podkit-side.js";

const ID = { userId: "bench", sessionId: "latency" };

/** `true` by each way on one container: each by itself, and podkit and dockerode in turns too. */
export async function latencyRows(stack: Stack, docker: Docker): Promise<Row[]> {
  const session = await stack.sessions.createSession({ ...ID, config: { cpuLimit: 2, entrypoint: [] } });
  const container = docker.getContainer((await session.info()).containerId);
  const podkitTrue = (): Promise<unknown> => session.executeCommand(["true"]);
  const dockerodeTrue = (): Promise<unknown> => dockerodeExec(container, ["true"]);
  const inside = async (program: string): Promise<number> => {
    const { stdout } = await session.executeCommand(["python3", "-c", program], { check: true });
    return Number(stdout);
  };
  await time(200, podkitTrue);
  const before = [await inside(FORK_EXEC_PROGRAM), await inside(VFORK_EXEC_PROGRAM)] as const;
  const podkit = await time(1000, podkitTrue);
  const fork = Math.min(before[0], await inside(FORK_EXEC_PROGRAM));
  const vfork = Math.min(before[1], await inside(VFORK_EXEC_PROGRAM));
  await time(5, dockerodeTrue);
  const dockerode = await time(60, dockerodeTrue);
  const [podkitTurns, dockerodeTurns] = await inTurns(40, podkitTrue, dockerodeTrue);
  const command = await time(15, () => dockerCommand(container.id, ["true"]));
  const oneByOne = await rate(500, 1, podkitTrue);
  const sixteen = await rate(4000, 16, podkitTrue);
  return [
    { what: "fork+exec of true inside, p50", figure: ms(fork) },
    { what: "vfork+exec of true inside, p50", figure: ms(vfork) },
    {
      what: "true by podkit, p50",
      figure: ms(podkit.p50),
      ratio: `${times(podkit.p50, fork)} fork+exec`,
      target: "2.2x / 1.5x",
    },
    { what: "", figure: "", ratio: `${times(podkit.p50, vfork)} vfork+exec` },
    {
      what: "true by dockerode's exec, p50",
      figure: ms(dockerode.p50),
      ratio: `${times(dockerode.p50, podkit.p50)} podkit`,
      target: "25x / 35x",
    },
    // Right after one of dockerode's, which runs many programs, a command meets cold caches.
    { what: "true by podkit, p50, in turns with dockerode", figure: ms(podkitTurns.p50) },
    {
      what: "true by dockerode's exec, p50, in turns",
      figure: ms(dockerodeTurns.p50),
      ratio: `${times(dockerodeTurns.p50, podkitTurns.p50)} podkit`,
    },
    {
      what: "true by the docker command, p50",
      figure: ms(command.p50),
      ratio: `${times(command.p50, podkit.p50)} podkit`,
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
