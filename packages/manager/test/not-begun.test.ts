import { PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { coreOf } from "../src/assembly.js";
import type { Lease } from "../src/connection.js";
import { containerName } from "../src/index.js";
import { parseRecord } from "../src/labels/record.js";
import { endedBeforeItBegan } from "../src/sandbox/not-begun.js";
import { fakeAgents } from "./fake/agent.js";
import { FakeBackend } from "./fake/backend.js";
import { jumpingClock } from "./fake/clock.js";
import { FakeEngine } from "./fake/engine.js";
import { AGENT, ID, setup } from "./fake/setup.js";

const NAME = containerName({ prefix: "podkit", ...ID });
const lost = (retryable: boolean): PodkitError => new PodkitError("exec_lost", "lost", { retryable });
const stopping = new PodkitError("unavailable", "stopping", { details: { reason: "stopping" } });

/** Decides for a container with a lifetime of 1000 ms that ended with `exitCode` (null: it runs), `elapsed` ms after the call. */
async function decide(
  error: unknown,
  {
    exitCode,
    elapsed = 10,
    repeat = true,
    alive = true,
    config = { containerLifetimeMs: 1_000 },
  }: { exitCode: number | null; elapsed?: number; repeat?: boolean; alive?: boolean; config?: object },
): Promise<boolean> {
  const engine = new FakeEngine();
  await setup({}, engine).manager.open({ ...ID, config });
  const container = engine.get(NAME);
  if (exitCode !== null) engine.end(container, exitCode);
  const clock = jumpingClock();
  const { core } = coreOf({ backend: new FakeBackend(engine), agent: AGENT, clock, env: {} }, fakeAgents(engine));
  const record = parseRecord(container.spec.labels, NAME);
  const lease: Lease = {
    containerId: container.id,
    agent: fakeAgents(engine)({
      link: { open: () => Promise.reject(error), isGone: () => Promise.resolve(true) },
      clock,
      logger: core.logger,
    }),
    alive,
    share: () => lease,
    release: () => undefined,
  };
  const since = clock.now();
  clock.advance(elapsed);
  return await endedBeforeItBegan(core, record, lease, error, { since, repeat });
}

describe("a call that failed is run again", () => {
  it.each([
    ["the agent said that it is stopping, and it did", stopping, { exitCode: 91, repeat: false }],
    ["the client never reached the agent", lost(true), { exitCode: 137 }],
    ["the connection was known to be gone", lost(true), { exitCode: null, alive: false }],
    [
      "the idle stop came sooner after it than anything begun would allow",
      lost(false),
      { exitCode: 90, repeat: false },
    ],
  ])("where %s", async (_, error, facts) => {
    expect(await decide(error, facts)).toBe(true);
  });

  it.each([
    ["it may have begun", lost(false), { exitCode: 137 }],
    ["the container was asked to stop", lost(false), { exitCode: 91 }],
    ["the idle stop may have come after its end", lost(false), { exitCode: 90, elapsed: 1_000 }],
    ["a program's own code looks like an idle stop", lost(false), { exitCode: 90, config: { entrypoint: ["x"] } }],
    ["there is no idle stop", lost(false), { exitCode: 90, config: { entrypoint: [] } }],
    ["the container runs", lost(true), { exitCode: null }],
    ["the container runs on although it said that it is stopping", stopping, { exitCode: null }],
    ["a second run could do harm", lost(true), { exitCode: 137, repeat: false }],
    ["the failure is another one", new PodkitError("not_found", "no such folder"), { exitCode: 90 }],
    ["it is no failure of podkit's", new Error("x"), { exitCode: 90 }],
  ])("but not where %s", async (_, error, facts) => {
    expect(await decide(error, facts)).toBe(false);
  });
});
