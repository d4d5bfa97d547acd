import { describe, expect, it } from "vitest";
import { EventBus, silentLogger } from "../src/index.js";

describe("EventBus", () => {
  it("row 29: tells listeners in order, of one kind or of all", () => {
    const bus = new EventBus();
    const seen: string[] = [];
    bus.on("container.created", (event) => seen.push(`one ${event.containerId ?? ""}`));
    bus.on("*", (event) => seen.push(`all ${event.type}`));
    bus.emit({ type: "container.created", at: 1, containerId: "c1" });
    bus.emit({ type: "container.removed", at: 2 });
    expect(seen).toEqual(["one c1", "all container.created", "all container.removed"]);
  });

  it("row 29: a listener that throws disturbs nothing, and is logged", () => {
    const logged: string[] = [];
    const bus = new EventBus({ logger: { ...silentLogger, error: (message) => logged.push(message) } });
    let told = 0;
    bus.on("session.closed", () => {
      throw new Error("mine");
    });
    bus.on("session.closed", () => {
      told += 1;
    });
    bus.emit({ type: "session.closed", at: 1 });
    expect(told).toBe(1);
    expect(logged).toEqual(["a listener threw"]);
  });

  it("lets go once, and only of the one that asked", () => {
    const bus = new EventBus();
    let told = 0;
    const listener = (): void => {
      told += 1;
    };
    const off = bus.on("session.closed", listener);
    bus.on("session.closed", listener);
    off();
    off();
    bus.emit({ type: "session.closed", at: 1 });
    expect(told).toBe(1);
  });
});
