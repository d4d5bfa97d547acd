import { EventBus, type PodkitEvent } from "@podkit/core";
import { ContainerManager, type ContainerManagerOptions } from "../../src/index.js";
import { fakeAgents } from "./agent.js";
import { FakeBackend } from "./backend.js";
import { jumpingClock } from "./clock.js";
import { FakeEngine } from "./engine.js";

/** A manager on a fake engine, as a program of its own would have it, and what it told. */
export function setup(options: Partial<ContainerManagerOptions> = {}, engine = new FakeEngine()) {
  const backend = new FakeBackend(engine);
  const told: PodkitEvent[] = [];
  const events = new EventBus();
  events.on("*", (event) => told.push(event));
  const clock = jumpingClock();
  const manager = new ContainerManager(
    { backend, events, clock, agent: AGENT, env: {}, ...options },
    fakeAgents(engine),
  );
  return { engine, backend, manager, clock, events, told, types: () => told.map(({ type }) => type) };
}

export const AGENT = {
  version: "9.9.9",
  sha256: () => Promise.resolve("00"),
  binary: () => Promise.resolve(new Uint8Array()),
};

export const ID = { userId: "bob", sessionId: "1" };

export const SINKS = { onStdout: () => undefined, onStderr: () => undefined };

export const TRUE = { argv: ["true"], stdin: false, maxOutputBytes: 1024 };
export const SLEEP = { argv: ["sleep"], stdin: false, maxOutputBytes: 1024 };
