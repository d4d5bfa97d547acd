import assert from "node:assert/strict";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type ErrorCode, PodkitError, withDeadline } from "@podkit/core";
import type { CaseContext, ImageName } from "./types.js";

/** Asks again and again until `check` gives something else than undefined or false. @throws `timeout` at the deadline. */
export async function until<T>(
  doing: string,
  timeoutMs: number,
  check: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const left = deadline - Date.now();
    const found = await withDeadline(doing, { timeoutMs: Math.max(left, 1) }, check);
    if (found !== undefined && found !== false) return found;
    await delay(25);
  }
}

/** Gives what `promise` gives. @throws `timeout` where that takes longer than `ms`. */
export function within<T>(doing: string, ms: number, promise: Promise<T>): Promise<T> {
  return withDeadline(doing, { timeoutMs: ms }, () => promise);
}

/** Shows that a call rejects with a podkit error of one of these codes, and gives that error back. */
export async function refused(
  call: () => Promise<unknown>,
  ...codes: readonly [ErrorCode, ...ErrorCode[]]
): Promise<PodkitError> {
  try {
    await call();
  } catch (error) {
    if (!PodkitError.is(error))
      assert.fail(`a PodkitError (${codes.join(" or ")}) was expected, and it threw ${describe(error)}`);
    assert.ok(
      codes.includes(error.code),
      `code ${codes.join(" or ")} was expected, and it was ${error.code}: ${error.message}`,
    );
    return error;
  }
  return assert.fail(`it had to be refused (${codes.join(" or ")}), and it succeeded`);
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** Everything that an iteration gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** All bytes of an iteration. */
export async function collectBytes(items: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await collect(items));
}

/** The image of that name, which the case has in its `needs`. */
export function image(context: CaseContext, name: ImageName): string {
  return context.images[name] ?? assert.fail(`the case uses the image ${name} and does not say that it needs it`);
}

/** How many containers of this run there are. */
export async function countContainers(
  context: CaseContext,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  return (await context.backend.list({ "dev.podkit.prefix": context.prefix, ...labels })).length;
}

/** Holds a port of this machine for as long as `work` runs. */
export async function withTakenPort<T>(work: (port: number) => Promise<T>): Promise<T> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  try {
    return await work(typeof address === "object" && address !== null ? address.port : assert.fail("no port"));
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A port of this machine that was free a moment ago. */
export function freePort(): Promise<number> {
  return withTakenPort(async (port) => port);
}
