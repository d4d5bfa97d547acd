import type { ServerHttp2Stream } from "node:http2";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { clientOf, failure, until } from "./support/client.js";
import type { FakeRequest } from "./support/fake-agent.js";
import { type StreamEnds, streamEnds } from "./support/http2-frames.js";

const INFO = { path: "/w/a", name: "a", type: "file", size: 3, mode: 0o644, uid: 0, gid: 0, mtimeMs: 1.5 };
const PROCESS = {
  id: "abcdefgh",
  name: "n",
  argv: ["x"],
  cwd: "/",
  user: "root",
  pid: 3,
  state: "running",
  exitCode: null,
  signal: null,
  startedAt: 1,
  exitedAt: null,
  stdoutBytes: 0,
  stderrBytes: 0,
};

function json(stream: ServerHttp2Stream, value: unknown, status = 200): void {
  stream.respond({ ":status": status });
  stream.end(JSON.stringify(value));
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) text += Buffer.from(chunk).toString("latin1");
  return text;
}

async function bodyOf(request: FakeRequest): Promise<string> {
  let text = "";
  for await (const chunk of request.stream) text += String(chunk);
  return text;
}

setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

describe("files", () => {
  it("keep no piece of an upload that went out while the rest is still to come", async () => {
    const { client } = clientOf({
      onRequest: async (request) => {
        await bodyOf(request);
        json(request.stream, INFO);
      },
    });
    let first: WeakRef<Uint8Array> | undefined;
    async function* content(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 8; n += 1) {
        const piece = new Uint8Array(256 * 1024);
        first ??= new WeakRef(piece);
        yield piece;
      }
      await until("the first piece is collected", () => {
        gc();
        return first?.deref() === undefined;
      });
    }
    expect(await client.files.write("a", content())).toEqual(INFO);
  });

  it("are asked for with every parameter", async () => {
    const asked: string[] = [];
    const { client } = clientOf({
      onRequest: async (request) => {
        asked.push(`${request.method} ${request.path}?${request.query} ${await bodyOf(request)}`);
        const { stream, path, method } = request;
        if (path === "/v1/files/list") json(stream, { entries: [INFO], truncated: false });
        else if (path === "/v1/files/content" && method === "GET") {
          stream.respond({ ":status": 200, "content-length": "3" });
          stream.end("abc");
        } else if (path === "/v1/files/rename" || method === "DELETE") {
          stream.respond({ ":status": 204 });
          stream.end();
        } else json(stream, INFO);
      },
    });
    const { files } = client;
    expect(await files.write("ä\n b", "text", { mode: 0o600, user: "me" })).toEqual(INFO);
    expect(await collect(files.read("a", { offset: 1, length: 2 }))).toBe("abc");
    expect(await files.stat("a", { follow: false })).toEqual(INFO);
    expect(await files.list("a", { depth: 3 })).toEqual([INFO]);
    await files.mkdir("a", { mode: 0o700, parents: false });
    await files.rename("a", "b");
    await files.remove("a", { recursive: true });
    expect(asked).toEqual([
      "PUT /v1/files/content?path=%C3%A4%0A+b&mode=384&mkdirs=1&user=me text",
      "GET /v1/files/content?path=a&offset=1&length=2 ",
      "GET /v1/files/stat?path=a&follow=0 ",
      "GET /v1/files/list?path=a&depth=3&limit=50000 ",
      "POST /v1/files/mkdir?path=a&mode=448&parents=0 ",
      "POST /v1/files/rename?path=a&to=b ",
      "DELETE /v1/files?path=a&recursive=1 ",
    ]);
  });

  it.each([
    ["empty", ""],
    ["with NUL", "a\0b"],
    ["too long", "x".repeat(4097)],
    ["too long in bytes", "ä".repeat(2049)],
    ["with half a character", "\ud800"],
  ])("refuse a path that is %s before anything is sent", async (_, path) => {
    const { agent, client } = clientOf();
    const { files } = client;
    const calls = [
      files.stat(path),
      files.write(path, ""),
      files.list(path),
      files.mkdir(path),
      files.rename("a", path),
      files.remove(path),
    ];
    for (const call of calls) expect(await failure(call)).toMatchObject({ code: "invalid_argument" });
    expect(() => files.read(path)).toThrow("no path");
    expect(() => files.readTar(path)).toThrow("no path");
    expect(agent.opens).toBe(0);
  });

  it.each([
    ["a relative path", { ...INFO, path: "a" }],
    ["a path with NUL", { ...INFO, path: "/a\0" }],
    ["a name with a slash", { ...INFO, name: "a/b" }],
    ["the name ..", { ...INFO, name: ".." }],
    ["an unknown type", { ...INFO, type: "door" }],
    ["a negative size", { ...INFO, size: -1 }],
    ["a size that is no whole number", { ...INFO, size: 1.5 }],
    ["a size beyond 2^53", { ...INFO, size: 2 ** 60 }],
    ["a mode with more than permissions", { ...INFO, mode: 0o10000 }],
    ["null", null],
    ["a list", []],
    ["a name that is inherited", JSON.parse('{"__proto__": {"path": "/x"}}')],
  ])("break the protocol with %s", async (_, answer) => {
    const { agent, client } = clientOf({ onRequest: ({ stream }) => json(stream, answer) });
    expect(await failure(client.files.stat("a"))).toMatchObject({ code: "internal", details: { reason: "protocol" } });
    await until("the connection was closed", () => agent.stream.destroyed);
  });

  it("never give a listing that is short", async () => {
    const { client } = clientOf({ onRequest: ({ stream }) => json(stream, { entries: [INFO], truncated: true }) });
    expect(await failure(client.files.list("a"))).toMatchObject({ code: "resource_exhausted" });
  });

  it.each([
    ["with its length", { "content-length": "10" }],
    ["without its length", {}],
  ])("never give content that is short: cut %s", async (_, headers) => {
    const { agent, client } = clientOf({
      onRequest: ({ stream }) => {
        stream.respond({ ":status": 200, ...headers });
        stream.write("abc");
      },
    });
    const reading = (async () => {
      for await (const chunk of client.files.read("a")) {
        expect(String(Buffer.from(chunk))).toBe("abc");
        agent.cut();
      }
    })();
    expect(await failure(reading)).toMatchObject({ code: "unavailable", retryable: true });
  });

  it("never give content that is short: a body that ends early, or is reset", async () => {
    const { client } = clientOf({
      onRequest: ({ stream, query }) => {
        const how = query.get("path");
        stream.respond({
          ":status": 200,
          ...(how === "reset" ? {} : { "content-length": how === "bad" ? "x" : "10" }),
        });
        stream.write("abc");
        if (how === "reset") setImmediate(() => stream.close(2));
        else if (how === "long") stream.end("x".repeat(20));
        else stream.end();
      },
    });
    expect((await failure(collect(client.files.read("early")))).code).toMatch(/unavailable|internal/);
    for (const code of ["2", "8", "11"])
      expect((await failure(collect(client.files.read(code)))).code).toBe("unavailable");
    expect((await failure(collect(client.files.read("long")))).code).toMatch(/unavailable|internal/);
    expect((await failure(collect(client.files.read("bad")))).code).toMatch(/unavailable|internal/);
  });

  it("end the request when the reader leaves or aborts", async () => {
    const closed: number[] = [];
    const { client } = clientOf({
      onRequest: ({ stream }) => {
        stream.respond({ ":status": 200 });
        stream.write("abc");
        stream.on("close", () => closed.push(stream.rstCode));
      },
    });
    for await (const chunk of client.files.read("a")) {
      expect(String(Buffer.from(chunk))).toBe("abc");
      break;
    }
    await until("reset", () => closed.length === 1);
    const controller = new AbortController();
    const reading = (async () => {
      for await (const _ of client.files.read("a", { signal: controller.signal })) controller.abort();
    })();
    expect(await failure(reading)).toMatchObject({ code: "aborted" });
    await until("reset", () => closed.length === 2);
    expect(closed).toEqual([8, 8]);
  });

  it("send bytes in memory once more where the request was cut, and a stream never", async () => {
    let puts = 0;
    const { agent, client } = clientOf({
      onRequest: async (request) => {
        puts += 1;
        if (puts !== 2) return agent.cut();
        expect(await bodyOf(request)).toBe("abc");
        json(request.stream, INFO);
      },
    });
    expect(await client.files.write("a", "abc")).toEqual(INFO);
    expect(puts).toBe(2);
    async function* source(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("abc");
    }
    expect(await failure(client.files.write("a", source()))).toMatchObject({ code: "unavailable" });
    expect(puts).toBe(3);
  });

  it("say of a cut rename that it may have been done", async () => {
    let renames = 0;
    const { agent, client } = clientOf({
      onRequest: () => {
        renames += 1;
        agent.cut();
      },
    });
    expect(await failure(client.files.rename("a", "b"))).toMatchObject({ code: "unavailable", retryable: false });
    expect(renames).toBe(1);
  });

  it("stop sending where the agent answers early, and let go of the source", async () => {
    let left = false;
    const { client } = clientOf({
      onRequest: ({ stream }) => json(stream, { code: "invalid_state", message: "a folder" }, 409),
    });
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(100_000);
      } finally {
        left = true;
      }
    }
    expect(await failure(client.files.write("a", endless()))).toMatchObject({ code: "invalid_state" });
    await until("the source was left", () => left);
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield await new Promise<Uint8Array>(() => undefined);
    }
    expect(await failure(client.files.writeTar("a", silent()))).toMatchObject({ code: "invalid_state" });
  });

  it("reset the request where the source fails or gives no bytes", async () => {
    let open = 0;
    const { agent, client } = clientOf({
      onRequest: ({ stream }) => {
        open += 1;
        stream.resume();
        stream.on("close", () => {
          open -= 1;
        });
      },
    });
    for (const length of [3, 1_000, 50_000, 1_000_000]) {
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(length);
        await new Promise((settle) => setImmediate(settle));
        throw new Error("the disk is gone");
      }
      await expect(client.files.write("a", broken())).rejects.toThrow("the disk is gone");
    }
    async function* text(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(3);
      await new Promise((settle) => setImmediate(settle));
      yield JSON.parse('"abc"');
    }
    expect(await failure(client.files.write("a", text()))).toMatchObject({ code: "invalid_argument" });
    const controller = new AbortController();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(7);
      await new Promise((settle) => setImmediate(settle));
      controller.abort();
      yield await new Promise<Uint8Array>(() => undefined);
    }
    const writing = client.files.write("a", slow(), { signal: controller.signal });
    expect(await failure(writing)).toMatchObject({ code: "aborted" });
    // An end of a body, even with a reset after it, tells an agent that the file is whole.
    const ends = (): StreamEnds => streamEnds(Buffer.concat(agent.stream.written));
    await until("all that came were reset", () => open === 0 && ends().reset >= 3);
    expect(ends().whole).toBe(0);
  });

  it("hold a source back where the agent does not read", async () => {
    let taken = 0;
    const { agent, client } = clientOf({ onRequest: () => undefined });
    async function* source(): AsyncGenerator<Uint8Array> {
      for (;;) {
        taken += 1;
        yield Buffer.alloc(100_000);
      }
    }
    const controller = new AbortController();
    const writing = client.files.write("a", source(), { signal: controller.signal });
    await until("the request", () => agent.requests === 1);
    for (let turn = 0; turn < 200; turn += 1) await new Promise((settle) => setImmediate(settle));
    expect(taken).toBeLessThan(20);
    controller.abort();
    expect(await failure(writing)).toMatchObject({ code: "aborted" });
  });

  it("watch line by line, however the lines are cut", async () => {
    const lines = [
      '{"type":"ready","path":"/w"}\n{"type":"crea',
      'ted","path":"/w/a"}\n\n{"type":"overflow","path":"/w"}',
      "\n",
    ];
    const { client } = clientOf({
      onRequest: async ({ stream }) => {
        stream.respond({ ":status": 200 });
        for (const line of lines) {
          stream.write(line);
          await new Promise((settle) => setImmediate(settle));
        }
        stream.end();
      },
    });
    const changes: unknown[] = [];
    for await (const change of client.files.watch("a")) changes.push(change);
    expect(changes).toEqual([
      { type: "created", path: "/w/a" },
      { type: "overflow", path: "/w" },
    ]);
  });

  it("refuse a watch's line without an end", async () => {
    const { client } = clientOf({
      onRequest: ({ stream }) => {
        stream.respond({ ":status": 200 });
        stream.write("x".repeat(300_000));
      },
    });
    const watching = (async () => {
      for await (const change of client.files.watch("a")) expect(change).toBeUndefined();
    })();
    expect(await failure(watching)).toMatchObject({ code: "internal", details: { reason: "protocol" } });
  });
});

describe("answers", () => {
  it("of more than 16 MiB are not read", async () => {
    let sent = 0;
    const { client } = clientOf({
      onRequest: ({ stream }) => {
        stream.respond({ ":status": 200 });
        const more = (): void => {
          while (!stream.destroyed && sent < 64 && stream.write(Buffer.alloc(1024 * 1024, 0x20))) sent += 1;
          sent += 1;
          if (!stream.destroyed) stream.once("drain", more);
        };
        more();
      },
    });
    expect(await failure(client.status())).toMatchObject({ code: "internal", details: { reason: "protocol" } });
    expect(sent).toBeLessThan(40);
  });

  it("that are cut behind their last byte are no answers", async () => {
    let answers = 0;
    const { client } = clientOf({
      onRequest: ({ stream }) => {
        answers += 1;
        if (answers > 1) return json(stream, PROCESS);
        stream.respond({ ":status": 200 });
        stream.write(JSON.stringify({ ...PROCESS, user: "half" }));
        setImmediate(() => stream.close(8));
      },
    });
    expect((await client.processes.get(PROCESS.id)).user).toBe("root");
    expect(answers).toBe(2);
  });

  it.each(["", "{", "[]", "null", "1", '"x"'])("that are %j are no status", async (body) => {
    const { client } = clientOf({
      onRequest: ({ stream }) => {
        stream.respond({ ":status": 200 });
        stream.end(body);
      },
    });
    expect(await failure(client.status())).toMatchObject({ code: "internal", details: { reason: "protocol" } });
  });

  it("carry an agent's error, bounded and without control characters", async () => {
    const message = `no\u001b[31m such\r\nuser\u202e ${"x".repeat(5_000)}`;
    const details = { user: "a\nb", list: [1], deep: { a: 1 }, "bad name": 1, count: 3 };
    const { client } = clientOf({
      onRequest: ({ stream }) => json(stream, { code: "not_found", message, details }, 404),
    });
    const error = await failure(client.files.stat("a"));
    expect(error.code).toBe("not_found");
    expect(error.message.length).toBeLessThan(2_200);
    expect(error.message).toMatch(/^Looking at "a" failed: no \[31m such user {2}x+\.\.\.$/);
    expect(error.details).toEqual({ user: "a b", count: 3, status: 404 });
  });

  it("are waited for no longer than asked", async () => {
    const { agent, client } = clientOf({ onRequest: () => undefined });
    expect(await failure(client.status({ timeoutMs: 30 }))).toMatchObject({ code: "timeout", retryable: true });
    const controller = new AbortController();
    const waiting = client.processes.wait("abcdefgh", { signal: controller.signal });
    await until("the request", () => agent.requests === 2);
    controller.abort();
    expect(await failure(waiting)).toMatchObject({ code: "aborted" });
  });
});

describe("processes and ports", () => {
  it("are asked for with every parameter", async () => {
    const asked: string[] = [];
    const { client } = clientOf({
      onRequest: async (request) => {
        asked.push(`${request.method} ${request.path}?${request.query} ${await bodyOf(request)}`);
        const { stream, path, method } = request;
        if (path === "/v1/processes") json(stream, { processes: [PROCESS] });
        else if (path.endsWith("/logs")) {
          stream.respond({ ":status": 200, "podkit-offset": "0" });
          stream.end("log");
        } else if (path.endsWith("/signal") || method === "DELETE") {
          stream.respond({ ":status": 204 });
          stream.end();
        } else json(stream, PROCESS);
      },
    });
    const { processes } = client;
    expect(await processes.start({ argv: ["x"], name: "n", env: { A: "b" } })).toEqual(PROCESS);
    expect(asked.shift()).toMatch(
      /^POST \/v1\/processes\/[0-9a-f]{24}\? \{"name":"n","argv":\["x"\],"env":\{"A":"b"\}\}$/,
    );
    expect(await processes.list()).toEqual([PROCESS]);
    await processes.get(PROCESS.id);
    expect(await collect(processes.logs(PROCESS.id, { stream: "stderr", offset: -5, follow: true }))).toBe("log");
    await processes.signal(PROCESS.id, "SIGINT", { tree: true });
    await processes.stop(PROCESS.id);
    await processes.remove(PROCESS.id);
    expect(asked).toEqual([
      "GET /v1/processes? ",
      "GET /v1/processes/abcdefgh? ",
      "GET /v1/processes/abcdefgh/logs?stream=stderr&offset=-5&follow=1 ",
      'POST /v1/processes/abcdefgh/signal? {"signal":"INT","tree":true}',
      'POST /v1/processes/abcdefgh/stop? {"graceMs":5000}',
      "DELETE /v1/processes/abcdefgh? ",
    ]);
  });

  it("starts under the same id again where the answer was cut", async () => {
    const ids: string[] = [];
    const { agent, client } = clientOf({
      onRequest: ({ stream, path }) => {
        ids.push(path);
        if (ids.length === 1) agent.cut();
        else json(stream, PROCESS);
      },
    });
    await client.processes.start({ argv: ["x"] });
    expect(ids).toHaveLength(2);
    expect(ids[0]).toBe(ids[1]);
  });

  it("never sends an id that is none", async () => {
    const { agent, client } = clientOf();
    for (const id of ["", "../../execs/x", "a/b", "short", "x".repeat(65)]) {
      expect(await failure(client.processes.get(id))).toMatchObject({ code: "not_found" });
    }
    expect(agent.opens).toBe(0);
  });

  it("names the background process that listens", async () => {
    const port = { port: 80, address: "0.0.0.0", pid: 3, command: "nginx" };
    const { client } = clientOf({
      onRequest: ({ stream }) =>
        json(stream, {
          ports: [
            { ...port, owner: { kind: "process", id: "abcdefgh" } },
            { ...port, owner: { kind: "exec", id: "abcdefgh" } },
            { port: 1, address: "::", pid: null, command: null, owner: null },
          ],
        }),
    });
    expect(await client.listPorts()).toEqual([
      { ...port, processId: "abcdefgh" },
      { ...port, processId: null },
      { port: 1, address: "::", pid: null, command: null, processId: null },
    ]);
  });

  it.each([0, 65_536, 1.5, "80"])("breaks the protocol with the port %j", async (port) => {
    const { client } = clientOf({
      onRequest: ({ stream }) => json(stream, { ports: [{ port, address: "::", owner: null }] }),
    });
    expect(await failure(client.listPorts())).toMatchObject({ details: { reason: "protocol" } });
  });
});
