import type { Clock } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { Ports } from "../src/index.js";
import { FakeSandbox } from "./fakes.js";

/** A clock that a test moves; due timers run in their order. */
class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void) {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  get pending(): number {
    return this.#timers.length;
  }

  /** Runs timer after timer, letting promises settle between, until nothing is left. */
  async run(): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const next = this.#timers.sort((a, b) => a.at - b.at).shift();
      if (next === undefined) return;
      this.#now = next.at;
      next.run();
    }
  }
}

function made() {
  const sandbox = new FakeSandbox({ userId: "bob", sessionId: "1" });
  const clock = new FakeClock();
  return { sandbox, clock, ports: new Ports({ sandbox: () => sandbox, clock }) };
}

const listening = (port: number) => ({ port, address: "0.0.0.0", pid: 1, command: "x", processId: null });

describe("Ports", () => {
  it("makes URLs of published ports", async () => {
    const { ports } = made();
    expect(await ports.url(80)).toBe("http://127.0.0.1:1080");
    expect(await ports.url(80, { protocol: "https" })).toBe("https://127.0.0.1:1080");
    expect(await ports.url(53, { protocol: "udp" })).toBe("udp://[::1]:1053");
    await expect(ports.url(99)).rejects.toMatchObject({ code: "not_found" });
    for (const bad of [0, 65_536, 1.5])
      await expect(ports.url(bad)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(ports.url(80, { protocol: "java script" })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("waits until something listens, ever more slowly, and leaves no timer", async () => {
    const { sandbox, clock, ports } = made();
    let asked = 0;
    sandbox.ports = () => {
      asked += 1;
      return clock.now() >= 5_000 ? [listening(80)] : [listening(81)];
    };
    const waiting = ports.waitFor(80);
    await clock.run();
    await waiting;
    expect(asked).toBeLessThan(30);
    expect(clock.pending).toBe(0);
  });

  it("gives up at its deadline, typed", async () => {
    const { clock, ports } = made();
    const waiting = expect(ports.waitFor(80, { timeoutMs: 1_000 })).rejects.toMatchObject({ code: "timeout" });
    await clock.run();
    await waiting;
    expect([clock.now(), clock.pending]).toEqual([1_000, 0]);
  });

  it("an abort rejects at once, also while the container does not answer", async () => {
    const { sandbox, clock, ports } = made();
    sandbox.listPorts = () => new Promise(() => undefined);
    const controller = new AbortController();
    const waiting = ports.waitFor(80, { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
    expect(clock.pending).toBe(0);
  });

  it("what the container answers wrongly is the caller's error", async () => {
    const { sandbox, ports, clock } = made();
    sandbox.ports = () => {
      throw new Error("gone");
    };
    await expect(ports.waitFor(80)).rejects.toThrow("gone");
    expect(clock.pending).toBe(0);
  });
});
