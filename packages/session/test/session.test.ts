import { PodkitError } from "@podkit/core";
import { describe, expect, it } from "vitest";
import { Session, SessionManager } from "../src/index.js";
import { FakeRuntime, FakeSandbox } from "./fakes.js";

const id = { userId: "bob", sessionId: "123" };

function opened() {
  const runtime = new FakeRuntime();
  const sandbox = new FakeSandbox(id);
  return { runtime, sandbox, session: new Session({ sandbox, events: runtime.events }) };
}

const types = (runtime: FakeRuntime) => runtime.seen.map(({ type }) => type);

describe("SessionManager", () => {
  it("row 31: refuses what nobody reads, before anything is done", async () => {
    const runtime = new FakeRuntime();
    const sessions = new SessionManager({ runtime });
    const calls: [Promise<unknown>, string][] = [
      [Reflect.apply(sessions.createSession, sessions, [null]), "request"],
      [Reflect.apply(sessions.createSession, sessions, [{ ...id, image: "x" }]), "request.image"],
      [Reflect.apply(sessions.executeCommand, sessions, [id, "true", null]), "options"],
      [Reflect.apply(sessions.executeCommand, sessions, [id, "true", { timeout: 1 }]), "options.timeout"],
    ];
    for (const [call, field] of calls)
      await expect(call).rejects.toMatchObject({ code: "invalid_argument", details: { field } });
    expect(runtime.seen).toEqual([]);
  });
});

describe("Session", () => {
  it("passes stop, pause, resume and logs on", async () => {
    const { session, sandbox } = opened();
    await session.stop();
    await session.pause();
    await session.resume();
    expect(sandbox.calls).toEqual(["stop", "pause", "resume"]);
    for await (const { data } of session.logs()) expect(Buffer.from(data).toString()).toBe("log\n");
  });

  it("close removes once, however often it is called, and everything is invalid_state afterwards", async () => {
    const { session, sandbox, runtime } = opened();
    await Promise.all([session.close(), session.close()]);
    await session.close();
    expect(sandbox.calls).toEqual(["remove", "release"]);
    expect(types(runtime)).toEqual(["session.closing", "session.closed"]);
    expect(runtime.seen[0]).toMatchObject(id);
    const calls = [
      () => session.executeCommand("true"),
      () => session.spawn("true"),
      () => session.writeFile("a", "b"),
      () => session.info(),
      () => session.stop(),
      () => session.pause(),
      () => session.resume(),
      () => session.files.read("a"),
      () => session.files.exists("a"),
      () => session.files.list(),
      () => session.files.upload("/tmp", "a"),
      () => session.files.download("a", "/tmp/b"),
      () => session.ports.list(),
      () => session.ports.url(80),
      () => session.ports.waitFor(80),
      async () => session.files.readStream("a"),
      async () => session.files.watch("a"),
      async () => session.logs(),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "invalid_state" });
  });

  it("a removal that failed is told, and tried again by the next close", async () => {
    const { session, sandbox } = opened();
    sandbox.removal = () => Promise.reject(new PodkitError("unavailable", "no engine"));
    await expect(session.close()).rejects.toMatchObject({ code: "unavailable" });
    await expect(session.executeCommand("true")).rejects.toMatchObject({ code: "invalid_state" });
    sandbox.removal = async () => undefined;
    await session.close();
    expect(sandbox.calls).toEqual(["remove", "remove", "release"]);
  });

  it("await using removes at the end of the block, and hides no error of it", async () => {
    const { session, sandbox } = opened();
    sandbox.removal = () => Promise.reject(new PodkitError("unavailable", "no engine"));
    const block = async () => {
      await using held = session;
      expect(held.userId).toBe("bob");
      throw new Error("the block's own");
    };
    await expect(block()).rejects.toThrow("the block's own");
    expect(sandbox.calls).toEqual(["remove"]);
  });

  it("spawn tells process.started and how it ended", async () => {
    const { session, sandbox, runtime } = opened();
    await (await session.spawn(["true"])).wait();
    sandbox.program = () => ({ exitCode: 4 });
    await (await session.spawn(["false"])).wait();
    expect(types(runtime)).toEqual(["process.started", "process.exited", "process.started", "process.failed"]);
    expect(runtime.seen[3]).toMatchObject({ ...id, exitCode: 4, signal: null });
    expect(runtime.seen.map(({ processId }) => processId)).toEqual(["42", "42", "42", "42"]);
  });
});

describe("SessionManager", () => {
  it("tells whether the session was made or continued", async () => {
    const runtime = new FakeRuntime();
    const sessions = new SessionManager({ runtime, defaultImage: "img" });
    const config = { cpuLimit: 2 };
    const session = await sessions.createSession({ ...id, config, onConfigMismatch: "reuse" });
    expect(session.sessionId).toBe("123");
    await sessions.createSession(id);
    const created = runtime.seen.filter(({ type }) => type === "session.created");
    expect(created).toMatchObject([{ reconnected: false, ...id }, { reconnected: true }]);
    expect(runtime.requests[0]).toEqual({ ...id, config, onConfigMismatch: "reuse", defaultImage: "img" });
  });

  it("refuses bad ids before the runtime hears of them", async () => {
    const runtime = new FakeRuntime();
    const sessions = new SessionManager({ runtime });
    for (const bad of ["", "../x", "a/b", "a\nb", "-a", "x".repeat(129)]) {
      await expect(sessions.createSession({ ...id, userId: bad })).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(sessions.executeCommand({ ...id, sessionId: bad }, "true")).rejects.toMatchObject({
        code: "invalid_argument",
      });
    }
    expect(runtime.requests).toEqual([]);
  });

  it("a failed creation is an event with its error", async () => {
    const runtime = new FakeRuntime();
    const error = new PodkitError("not_found", "no image x");
    runtime.opening = () => Promise.reject(error);
    await expect(new SessionManager({ runtime }).createSession(id)).rejects.toBe(error);
    expect(runtime.seen).toMatchObject([{ type: "session.creationFailed", error, ...id }]);
  });

  it("runs commands and writes files by id, also in a session that another program made", async () => {
    const runtime = new FakeRuntime();
    const sandbox = new FakeSandbox(id);
    runtime.sandboxes.set("bob/123", sandbox);
    const sessions = new SessionManager({ runtime });
    expect((await sessions.executeCommand(id, "true")).exitCode).toBe(0);
    expect(await sessions.getSession(id)).toBe(await sessions.getSession(id));
    await expect(sessions.executeCommand({ ...id, userId: "eve" }, "true")).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(sessions.writeFile({ ...id, userId: "eve" }, "a", "b")).rejects.toMatchObject({ code: "not_found" });
  });

  it("closes by id; one that is not there is fine", async () => {
    const runtime = new FakeRuntime();
    const sessions = new SessionManager({ runtime });
    await sessions.createSession(id);
    await sessions.closeSession(id);
    expect(runtime.sandboxes.get("bob/123")?.calls).toEqual(["remove", "release"]);
    runtime.sandboxes.clear();
    await sessions.closeSession(id);
    await expect(sessions.getSession(id)).rejects.toMatchObject({ code: "not_found" });
  });

  it("shutdown lets go of everything and removes nothing", async () => {
    const runtime = new FakeRuntime();
    const sessions = new SessionManager({ runtime });
    await sessions.createSession(id);
    await Promise.all([sessions.shutdown(), sessions.shutdown()]);
    expect(runtime.closed).toBe(1);
    expect(runtime.sandboxes.get("bob/123")?.calls).toEqual([]);
    await expect(sessions.createSession(id)).rejects.toMatchObject({ code: "invalid_state" });
    await expect(sessions.getSession(id)).rejects.toMatchObject({ code: "invalid_state" });
  });
});
