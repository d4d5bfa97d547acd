import { describe, expect, it } from "vitest";
import { FRAME } from "../src/frames.js";
import { CAPTURE, Collected, clientOf, failure, run, STREAM, until } from "./support/client.js";
import { type FakeExec, HELLO } from "./support/fake-agent.js";
import { exit, started, stdout } from "./support/frames.js";

const hello = { ...HELLO, features: ["exec", "brief"] };

/** Answers as an agent that knows the short form, and notes each request. */
function briefAgent(seen: { spec: unknown; released: unknown; id: string }[]) {
  return (exec: FakeExec): void => {
    seen.push({ spec: exec.headers["podkit-spec"], released: exec.headers["podkit-release"], id: exec.id });
    exec.send(started(), exit());
    exec.stream.end();
  };
}

describe("a captured command, where the agent knows the short form", () => {
  it("has its spec in a header that is ASCII, and the next command releases it", async () => {
    const seen: { spec: unknown; released: unknown; id: string }[] = [];
    const { client } = clientOf({ hello, onExec: briefAgent(seen) });
    await client.connect();
    await run(client, { ...CAPTURE, argv: ["echo", "é\n\u{1f600}"] });
    await run(client, CAPTURE);
    expect(String(seen[0]?.spec)).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(String(seen[0]?.spec))).toMatchObject({
      argv: ["echo", "é\n\u{1f600}"],
      maxOutputBytes: 1024,
      stdout: 0,
    });
    expect(seen[0]?.released).toBeUndefined();
    expect(seen[1]?.released).toBe(seen[0]?.id);
  });

  it("is released with others, and each once", async () => {
    const seen: { spec: unknown; released: unknown; id: string }[] = [];
    const { client } = clientOf({ hello, onExec: briefAgent(seen) });
    await client.connect();
    await Promise.all([run(client), run(client), run(client)]);
    await run(client);
    await run(client);
    expect(String(seen[3]?.released).split(",").sort()).toEqual(
      seen
        .slice(0, 3)
        .map(({ id }) => id)
        .sort(),
    );
    expect(seen[4]?.released).toBe(seen[3]?.id);
  });

  it.each([
    ["a stream", STREAM],
    ["stdin", { ...CAPTURE, stdin: true }],
    ["a terminal", { ...CAPTURE, pty: { columns: 80, rows: 24 } }],
    ["more than fits in a header", { ...CAPTURE, argv: ["é".repeat(3_000)] }],
  ])("has a frame as ever for %s", async (_, spec) => {
    const first: (number | undefined)[] = [];
    const { client } = clientOf({
      hello,
      onExec: async (exec) => {
        expect(exec.headers["podkit-spec"]).toBeUndefined();
        first.push((await exec.next())?.type);
        exec.send(started(), exit());
        first.push((await exec.next())?.type);
        exec.stream.end();
      },
    });
    await client.connect();
    await run(client, spec);
    await until("RELEASE came", () => first.length === 2);
    expect(first).toEqual([FRAME.spec, FRAME.release]);
  });

  it("goes on over a second stream, from what it has, where the first was cut", async () => {
    const offsets: unknown[] = [];
    const sinks = new Collected();
    const { client } = clientOf({
      hello,
      onExec: async (exec) => {
        if (offsets.length === 0) {
          offsets.push("brief");
          exec.send(started(), stdout(0, "one"));
          await until("the first part came", () => sinks.text === "one");
          exec.stream.destroy();
          return;
        }
        const spec = await exec.next();
        offsets.push(JSON.parse(String(spec?.payload)));
        exec.send(started(), stdout(3, "two"), exit({ stdoutBytes: 6 }));
      },
    });
    await client.connect();
    const { exit: end } = await run(client, CAPTURE, sinks);
    expect(sinks.text).toBe("onetwo");
    expect(end.exitCode).toBe(0);
    expect(offsets).toEqual(["brief", expect.objectContaining({ stdout: 3, stderr: 0 })]);
  });

  it("is cancelled over its stream", async () => {
    const types: (number | undefined)[] = [];
    const controller = new AbortController();
    const { client } = clientOf({
      hello,
      onExec: async (exec) => {
        exec.send(started());
        types.push((await exec.next())?.type);
      },
    });
    await client.connect();
    const handle = await client.exec(CAPTURE, { onStdout() {}, onStderr() {} }, { signal: controller.signal });
    controller.abort();
    expect(await failure(handle.wait())).toMatchObject({ code: "aborted" });
    await until("CANCEL came", () => types.length === 1);
    expect(types).toEqual([FRAME.cancel]);
  });

  it("leaves nothing open where the agent does not end its answer", async () => {
    const closed: boolean[] = [];
    const { client } = clientOf({
      hello,
      onExec: (exec) => {
        exec.stream.on("close", () => closed.push(true));
        exec.send(started(), exit());
      },
    });
    await client.connect();
    await run(client, CAPTURE);
    await until("the stream was closed", () => closed.length === 1);
  });
});
