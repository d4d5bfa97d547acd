import type { ExecSpec } from "@podkit/core";
import { afterEach, describe, expect, it } from "vitest";
import { AgentClient } from "../src/index.js";
import { FakeAgent, type FakeBehaviour } from "./support/fake-agent.js";
import { exit, started, stdout } from "./support/frames.js";

const SPEC: ExecSpec = { argv: ["true"], stdin: false, maxOutputBytes: 1024 };
const clients: AgentClient[] = [];

function connect(behaviour: FakeBehaviour): { agent: FakeAgent; client: AgentClient } {
  const agent = new FakeAgent(behaviour);
  const client = new AgentClient({ link: agent, reconnectGraceMs: 500 });
  clients.push(client);
  return { agent, client };
}

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

describe("exec", () => {
  it("gives output and exit code", async () => {
    const { client } = connect({
      onExec: (exec) => exec.send(started(), stdout(0, "hello\n"), exit({ stdoutBytes: 6 })),
    });
    const chunks: Uint8Array[] = [];
    const handle = await client.exec(SPEC, { onStdout: (chunk) => void chunks.push(chunk), onStderr: () => undefined });
    expect(handle.pid).toBe(7);
    expect(await handle.wait()).toEqual({
      exitCode: 0,
      signal: null,
      timedOut: false,
      truncated: false,
      oomKilled: false,
      durationMs: 1,
    });
    expect(Buffer.concat(chunks).toString()).toBe("hello\n");
  });
});
