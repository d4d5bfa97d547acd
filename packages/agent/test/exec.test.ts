import { describe, expect, it } from "vitest";
import { FRAME, offsetFrame } from "../src/frames.js";
import { CAPTURE, Collected, clientOf, failure, run, STREAM, until } from "./support/client.js";
import { exit, raw, started, stderr, stdinAck, stdout } from "./support/frames.js";

describe("exec", () => {
  it("gives output and exit code", async () => {
    const { client } = clientOf({
      onExec: (exec) =>
        exec.send(started(), stdout(0, "out"), stderr(0, "err"), exit({ exitCode: 3, stdoutBytes: 3, stderrBytes: 3 })),
    });
    const sinks = new Collected();
    const { handle, exit: end } = await run(client, CAPTURE, sinks);
    expect(handle.pid).toBe(7);
    expect(end).toEqual({
      exitCode: 3,
      signal: null,
      timedOut: false,
      truncated: false,
      oomKilled: false,
      durationMs: 1,
    });
    expect([sinks.text, sinks.errorText]).toEqual(["out", "err"]);
  });

  it("sends its spec as one frame and RELEASE at the end", async () => {
    const frames: unknown[] = [];
    let ended = false;
    const { client } = clientOf({
      onExec: async (exec) => {
        const spec = await exec.next();
        frames.push(spec?.type, JSON.parse(String(spec?.payload)), exec.headers["podkit-protocol"]);
        exec.send(started(), exit());
        frames.push(await exec.next(), await exec.next());
        ended = true;
      },
    });
    await run(client, {
      argv: ["a", "b"],
      cwd: "/x",
      env: { K: "v" },
      user: "me",
      stdin: false,
      timeoutMs: 5,
      maxOutputBytes: 9,
    });
    await until("the request ended", () => ended);
    expect(frames).toEqual([
      FRAME.spec,
      {
        argv: ["a", "b"],
        cwd: "/x",
        env: { K: "v" },
        user: "me",
        stdin: false,
        timeoutMs: 5,
        maxOutputBytes: 9,
        graceMs: 400,
        stdout: 0,
        stderr: 0,
      },
      "1",
      { type: FRAME.release, payload: Buffer.alloc(0) },
      undefined,
    ]);
  });

  it("gives signals with SIG, and what was dropped between head and tail", async () => {
    const { client } = clientOf({
      onExec: (exec) =>
        exec.send(
          started(),
          stdout(0, "head"),
          stdout(100, "tail"),
          exit({ exitCode: null, signal: "KILL", timedOut: true, oomKilled: true, stdoutBytes: 104 }),
        ),
    });
    const { exit: end } = await run(client, { ...CAPTURE, maxOutputBytes: 8 });
    expect(end).toMatchObject({
      exitCode: null,
      signal: "SIGKILL",
      timedOut: true,
      oomKilled: true,
      truncated: { stdout: 96, stderr: 0 },
    });
  });

  it("counts what was dropped where nothing may be kept", async () => {
    const { client } = clientOf({ onExec: (exec) => exec.send(started(), exit({ stdoutBytes: 50 })) });
    const { exit: end } = await run(client, { ...CAPTURE, maxOutputBytes: 0 });
    expect(end.truncated).toEqual({ stdout: 50, stderr: 0 });
  });

  it.each([
    ["not_found", 404, { code: "not_found", message: "no such folder" }, "not_found"],
    ["an unknown code", 500, { code: "weird", message: "boom" }, "internal"],
    ["no JSON", 500, undefined, "internal"],
  ])("rejects with what the agent answers: %s", async (_, status, body, code) => {
    const { client } = clientOf({
      onExec: (exec) => {
        exec.stream.respond({ ":status": status });
        exec.stream.end(body === undefined ? "<html>" : JSON.stringify(body));
      },
    });
    expect(await failure(client.exec(CAPTURE, new Collected()))).toMatchObject({
      code,
      retryable: false,
      details: { status },
    });
  });

  it("says in an error that the tree could not be ended", async () => {
    const { client } = clientOf({ onExec: (exec) => exec.send(started(), exit({ treeAlive: true })) });
    const handle = await client.exec(CAPTURE, new Collected());
    expect(await failure(handle.wait())).toMatchObject({ code: "internal", details: { reason: "tree_alive" } });
  });

  it("refuses a command that is too large before it is sent", async () => {
    const { agent, client } = clientOf();
    const error = await failure(client.exec({ ...CAPTURE, argv: ["x".repeat(1024 * 1024)] }, new Collected()));
    expect(error.code).toBe("invalid_argument");
    expect(agent.opens).toBe(0);
  });

  it("runs many at once over one connection", async () => {
    const { agent, client } = clientOf({
      onExec: async (exec) => {
        const spec: unknown = JSON.parse(String((await exec.next())?.payload));
        const text = JSON.stringify(spec).slice(0, 40);
        exec.send(started(), stdout(0, text), exit({ stdoutBytes: text.length }));
      },
    });
    const outputs = await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        const sinks = new Collected();
        await run(client, { ...CAPTURE, argv: [`job-${n}`] }, sinks);
        return sinks.text.includes(`"job-${n}"`);
      }),
    );
    expect(outputs.every(Boolean)).toBe(true);
    expect(agent.opens).toBe(1);
  });
});

describe("a broken protocol ends the command and the connection", () => {
  const BROKEN: [string, Buffer[], object?][] = [
    ["an unknown frame", [started(), raw(0x99, Buffer.alloc(1))]],
    ["output before STARTED", [stdout(0, "x")]],
    ["EXIT before STARTED", [exit()]],
    ["STARTED twice", [started(), started()]],
    ["STARTED that is no JSON", [raw(FRAME.started, Buffer.from("{"))]],
    ["a negative pid", [started({ pid: -1 })]],
    ["a pid that is no number", [started({ pid: null })]],
    ["a hole in the middle of a stream", [started(), stdout(0, "a"), stdout(2, "b"), exit({ stdoutBytes: 3 })], STREAM],
    ["two gaps", [started(), stdout(1, "a"), stdout(5, "b"), exit({ stdoutBytes: 6 })]],
    ["an offset that goes back", [started(), stdout(0, "abc"), stdout(1, "b")]],
    ["more output than was asked for", [started(), stdout(0, "x".repeat(1025))]],
    ["less output than EXIT says", [started(), stdout(0, "abc"), exit({ stdoutBytes: 4 })]],
    ["more output than EXIT says", [started(), stdout(0, "abc"), exit({ stdoutBytes: 2 })]],
    ["output of stderr that is missing", [started(), exit({ stderrBytes: 1 })]],
    ["an exit code and a signal", [started(), exit({ exitCode: 0, signal: "KILL" })]],
    ["neither exit code nor signal", [started(), exit({ exitCode: null, signal: null })]],
    ["an exit code of 256", [started(), exit({ exitCode: 256 })]],
    ["a broken exit code", [started(), exit({ exitCode: 0.5 })]],
    ["an exit code in words", [started(), exit({ exitCode: "0" })]],
    ["NaN for a duration", [started(), raw(FRAME.exit, Buffer.from('{"exitCode":0,"durationMs":NaN}'))]],
    [
      "a duration that is not finite",
      [
        started(),
        raw(FRAME.exit, Buffer.from(String(exit().subarray(5)).replace('"durationMs":1', '"durationMs":1e999'))),
      ],
    ],
    ["a signal's name with a newline", [started(), exit({ exitCode: null, signal: "KILL\n" })]],
    ["a field that is missing", [started(), exit({ timedOut: undefined })]],
    ["bytes after EXIT", [started(), Buffer.concat([exit(), Buffer.of(0)])]],
    ["stdin acknowledged that was never sent", [started({ stdin: 1 })], { ...STREAM, stdin: true }],
    ["stdin acknowledged later that was never sent", [started(), stdinAck(1)], { ...STREAM, stdin: true }],
    ["an output frame of 2 MiB", [started(), offsetFrame(FRAME.stdout, [0], Buffer.alloc(2 * 1024 * 1024))], STREAM],
  ];

  it.each(BROKEN)("%s", async (_, frames, spec = {}) => {
    const { agent, client } = clientOf({ onExec: (exec) => exec.send(Buffer.concat(frames)) });
    const error = await failure(run(client, { ...CAPTURE, ...spec }));
    expect(error).toMatchObject({ code: "internal", retryable: false, details: { reason: "protocol" } });
    await until("the connection was closed", () => agent.stream.destroyed);
  });

  it("also with bytes that come long after EXIT", async () => {
    let late = (): void => undefined;
    const { agent, client } = clientOf({
      onExec: (exec) => {
        exec.send(started(), exit());
        late = () => exec.send(Buffer.of(1));
      },
    });
    expect((await run(client)).exit.exitCode).toBe(0);
    late();
    await until("the connection was closed", () => agent.stream.destroyed);
  });
});
