import { setTimeout as delay } from "node:timers/promises";
import { withDeadline } from "@podkit/core";

/** Gives what `promise` gives. @throws `timeout` where that takes longer than `ms`. */
export function within<T>(doing: string, ms: number, promise: Promise<T>): Promise<T> {
  return withDeadline(doing, { timeoutMs: ms }, () => promise);
}

/** Asks again and again until `check` is true. @throws `timeout` at the deadline. */
export async function until(doing: string, timeoutMs: number, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await within(doing, Math.max(1, deadline - Date.now()), check());
    if (found) return;
    await delay(50);
  }
}
