/** Figures of one thing that was timed several times, in milliseconds. */
export interface Timing {
  readonly p50: number;
  readonly min: number;
  readonly max: number;
}

/** The middle, least and largest of some durations. */
export function summarize(durations: readonly number[]): Timing {
  const sorted = [...durations].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { p50: at(Math.floor((sorted.length - 1) / 2)), min: at(0), max: at(sorted.length - 1) };
}

/** Times `run` so many times, one after another. */
export async function time(rounds: number, run: (round: number) => Promise<unknown>): Promise<Timing> {
  const durations: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const begin = performance.now();
    await run(round);
    durations.push(performance.now() - begin);
  }
  return summarize(durations);
}

/** How often a second `run` can be done, with so many at once. */
export async function rate(total: number, atOnce: number, run: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < total) {
      const index = next;
      next += 1;
      await run(index);
    }
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: atOnce }, worker));
  return (total * 1000) / (performance.now() - begin);
}

/** Runs two sides in turns, so that what else the machine does falls on both. */
export async function inTurns<A, B>(
  rounds: number,
  a: () => Promise<A>,
  b: () => Promise<B>,
): Promise<[Timing, Timing]> {
  const first: number[] = [];
  const second: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    first.push((await time(1, a)).p50);
    second.push((await time(1, b)).p50);
  }
  return [summarize(first), summarize(second)];
}
