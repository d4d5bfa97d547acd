import { describe, expect, it } from "vitest";
import { ConnectionKeys } from "../src/connection-key.js";
import { createPodkit, getDockerSession, runInDocker, SharedPodkit } from "../src/index.js";

describe("ConnectionKeys", () => {
  it("takes equal options for one connection, whatever their order", () => {
    const keys = new ConnectionKeys();
    expect(keys.key(undefined)).toBe(keys.key({}));
    expect(keys.key({ host: "a", tlsVerify: true })).toBe(
      keys.key({ tlsVerify: true, host: "a", certPath: undefined }),
    );
    expect(keys.key({ host: "a" })).not.toBe(keys.key({ host: "b" }));
    expect(keys.key({ host: "1" })).not.toBe(keys.key({ host: 1 }));
  });

  it("tells clients apart by who they are", () => {
    const keys = new ConnectionKeys();
    const client = {};
    expect(keys.key({ client })).toBe(keys.key({ client }));
    expect(keys.key({ client })).not.toBe(keys.key({ client: {} }));
  });
});

describe("SharedPodkit", () => {
  it("makes one instance per distinct connection options, with one bus, and anew after shutdown", async () => {
    let made = 0;
    const shared = new SharedPodkit({
      create: (options) => {
        made += 1;
        return createPodkit(options);
      },
    });
    const first = shared.instance({ docker: { host: "unix:///nowhere" } });
    expect(shared.instance({ docker: { host: "unix:///nowhere" } })).toBe(first);
    expect(shared.instance()).not.toBe(first);
    expect([made, first.events]).toEqual([2, shared.events]);
    await shared.shutdown();
    await expect(first.list()).rejects.toMatchObject({ code: "invalid_state" });
    expect(shared.instance({ docker: { host: "unix:///nowhere" } })).not.toBe(first);
  });
});

describe("createPodkit", () => {
  it("refuses a bad prefix at once, and asks nothing of an engine", async () => {
    expect(() => createPodkit({ prefix: "Not Me" })).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    await using idle = createPodkit({ docker: { host: "unix:///nowhere" } });
    await expect(idle.list({ prefix: "../x" })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it.each([
    ["getSession", [null], "request"],
    ["getSession", [{ userId: "bob", sessionId: "1", image: "x" }], "request.image"],
    ["getSession", [{ userId: "bob", sessionId: "1", workSpace: "/x" }], "request.workSpace"],
    ["run", ["true", null], "options"],
    ["run", ["true", { timeout: 3 }], "config.timeout"],
  ] as const)("row 31: %s of %j is refused before an engine is asked", async (method, args, field) => {
    await using idle = createPodkit({ docker: { host: "unix:///nowhere" } });
    const refused = { code: "invalid_argument", details: { field } };
    await expect(Reflect.apply(idle[method], idle, args)).rejects.toMatchObject(refused);
    const name = method === "run" ? runInDocker : getDockerSession;
    await expect(Reflect.apply(name, undefined, args)).rejects.toMatchObject(refused);
  });

  it("an engine that is not there is unavailable, and the failure is told", async () => {
    await using lost = createPodkit({ docker: { socketPath: "/nowhere/docker.sock" } });
    const seen: string[] = [];
    lost.on("*", ({ type }) => seen.push(type));
    const failure = lost.getSession({ userId: "bob", sessionId: "1" });
    await expect(failure).rejects.toMatchObject({ code: "unavailable" });
    expect(seen).toContain("session.creationFailed");
  });
});
