import { ms, type Row } from "./page.js";
import type { Stack } from "./podkit-side.js";

const SIZE = 100 * 1024 * 1024;

function perSecond(bytes: number, durationMs: number): string {
  return `${(bytes / 1024 / 1024 / (durationMs / 1000)).toFixed(0)} MB/s`;
}

async function* zeros(): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(256 * 1024);
  for (let sent = 0; sent < SIZE; sent += chunk.length) yield chunk;
}

/** 100 MB up, down, and through stdout. */
export async function throughputRows(stack: Stack): Promise<Row[]> {
  const session = await stack.sessions.createSession({
    userId: "bench",
    sessionId: "throughput",
    config: { entrypoint: [], cpuLimit: 2, memoryLimit: "1g" },
  });
  const rows: Row[] = [];
  const timed = async (what: string, target: string | undefined, run: () => Promise<number>): Promise<void> => {
    const begin = performance.now();
    const bytes = await run();
    const took = performance.now() - begin;
    if (bytes !== SIZE) throw new Error(`${what}: ${bytes} bytes instead of ${SIZE}`);
    rows.push({ what, figure: `${perSecond(SIZE, took)} (${ms(took)})`, ...(target === undefined ? {} : { target }) });
  };
  await timed("100 MB up", undefined, async () => (await session.files.write("/workspace/big", zeros())).size);
  await timed("100 MB down", undefined, async () => {
    let bytes = 0;
    for await (const chunk of session.files.readStream("/workspace/big")) bytes += chunk.length;
    return bytes;
  });
  await timed("100 MB through stdout of spawn", "60 / 200 MB/s", async () => {
    const child = await session.spawn(["head", "-c", String(SIZE), "/dev/zero"]);
    let bytes = 0;
    for await (const chunk of child.stdout) bytes += chunk.length;
    await child.wait();
    return bytes;
  });
  await session.close();
  return rows;
}
