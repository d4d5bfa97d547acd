import type { Row } from "./page.js";
import type { Stack } from "./podkit-side.js";

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function rss(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss;
}

/** How this program's memory grows while a command writes without end. */
export async function endlessRow(stack: Stack, forMs: number): Promise<Row> {
  const session = await stack.sessions.createSession({
    userId: "bench",
    sessionId: "endless",
    config: { entrypoint: [] },
  });
  await session.executeCommand(["true"]);
  const before = rss();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 250);
  const { timedOut, truncated } = await session.executeCommand(["yes"], { timeoutMs: forMs });
  clearInterval(watch);
  await session.close();
  if (!timedOut || truncated === false) throw new Error("yes was neither ended nor capped");
  return {
    what: `host memory while yes runs for ${forMs / 1000} s`,
    figure: `+${megabytes(peak - before)}`,
    target: "< 32 MB",
  };
}

/** What open sessions cost this program. */
export async function openSessionsRow(stack: Stack, count: number): Promise<Row> {
  const before = rss();
  const sessions = [];
  for (let begin = 0; begin < count; begin += 10) {
    const batch = Array.from({ length: Math.min(10, count - begin) }, (_, index) =>
      stack.sessions.createSession({ userId: "bench", sessionId: `open-${begin + index}`, config: { entrypoint: [] } }),
    );
    sessions.push(...(await Promise.all(batch)));
  }
  await Promise.all(sessions.map((session) => session.executeCommand(["true"])));
  const grown = rss() - before;
  for (let begin = 0; begin < count; begin += 10)
    await Promise.all(sessions.slice(begin, begin + 10).map((session) => session.close()));
  return { what: `this program's memory for ${count} open sessions`, figure: `+${megabytes(grown)}` };
}
