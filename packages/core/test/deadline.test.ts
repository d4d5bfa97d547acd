import { describe, expect, it, vi } from "vitest";
import { PodkitError, withDeadline } from "../src/index.js";

describe("withDeadline", () => {
  it("gives what the work gives", async () => {
    await expect(withDeadline("adding", {}, async () => 3)).resolves.toBe(3);
  });

  it("rejects at the deadline although the work goes on, and tells the work", async () => {
    vi.useFakeTimers();
    try {
      let told: unknown;
      const call = withDeadline("waiting", { timeoutMs: 50 }, (signal) => {
        signal.addEventListener("abort", () => {
          told = signal.reason;
        });
        return new Promise(() => undefined);
      });
      const outcome = call.catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(50);
      const error = await outcome;
      expect(PodkitError.is(error, "timeout")).toBe(true);
      expect(told).toBe(error);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("row 53: rejects at once on abort, before and during the work", async () => {
    let began = false;
    const before = withDeadline("working", { signal: AbortSignal.abort() }, async () => {
      began = true;
    });
    await expect(before).rejects.toMatchObject({ code: "aborted" });
    expect(began).toBe(false);
    const controller = new AbortController();
    const during = withDeadline("working", { signal: controller.signal }, () => new Promise(() => undefined));
    controller.abort(new Error("enough"));
    await expect(during).rejects.toMatchObject({ code: "aborted", cause: new Error("enough") });
  });

  it("leaves no listener on the caller's signal", async () => {
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    await withDeadline("working", { signal: controller.signal, timeoutMs: 1000 }, async () => 1);
    expect(remove).toHaveBeenCalledTimes(1);
  });
});
