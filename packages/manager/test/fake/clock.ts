import type { Clock } from "@podkit/core";

/** Time that jumps to whatever is waited for, so that nothing sleeps. */
export function jumpingClock(): Clock & { advance(ms: number): void } {
  let now = 1_000_000;
  return {
    now: () => now,
    advance(ms) {
      now += ms;
    },
    after(ms, run) {
      let cancelled = false;
      setImmediate(() => {
        if (cancelled) return;
        now += ms;
        run();
      });
      return {
        cancel() {
          cancelled = true;
        },
      };
    },
  };
}

/** Looks again and again until `check` holds; at most 5 s. */
export async function eventually(check: () => boolean | Promise<boolean>): Promise<void> {
  const until = Date.now() + 5_000;
  while (!(await check())) {
    if (Date.now() > until) throw new Error(`never held: ${check.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
