import { describe, expect, it } from "vitest";
import { ActiveTime } from "../src/active-time.js";
import { failure } from "./support/client.js";
import { FakeClock } from "./support/fake-clock.js";

describe("ActiveTime", () => {
  it("does not pass while it is suspended, and needs few timers for that", async () => {
    const clock = new FakeClock();
    const time = new ActiveTime(clock);
    let ran = 0;
    time.after(100, () => {
      ran += 1;
    });
    await clock.pass(99);
    time.suspend();
    time.suspend();
    const before = clock.made;
    await clock.pass(10_000);
    expect([ran, time.suspended]).toEqual([0, true]);
    expect(clock.made - before).toBeLessThan(50);
    time.resume();
    time.resume();
    await clock.pass(300);
    expect([ran, time.suspended]).toEqual([1, false]);
  });

  it("bounds work by what passed, and can be cancelled", async () => {
    const clock = new FakeClock();
    const time = new ActiveTime(clock);
    const never = failure(time.bounded("Waiting", { timeoutMs: 100 }, () => new Promise(() => undefined)));
    await clock.pass(50);
    time.suspend();
    await clock.pass(10_000);
    time.resume();
    let settled = false;
    void never.then(() => {
      settled = true;
    });
    await clock.pass(40);
    expect(settled).toBe(false);
    await clock.pass(1_000);
    expect(await never).toMatchObject({ code: "timeout", details: { timeoutMs: 100 } });
    expect(await time.bounded("Working", { timeoutMs: 100 }, async () => 5)).toBe(5);
    expect(clock.pending).toBe(0);
  });
});
