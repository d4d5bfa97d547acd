import { describe, it } from "vitest";
import { Connection } from "../src/connection.js";
import { until } from "./support/client.js";
import { duplexPair } from "./support/duplex-pair.js";

describe("a connection", () => {
  it("may be destroyed before its session began", async () => {
    const [stream] = duplexPair();
    let closed = 0;
    new Connection(stream, () => (closed += 1)).destroy();
    // Node tells of the session's begin in a later turn: an error there would have no one to catch it.
    await until("it was closed", () => closed === 1 && stream.destroyed);
    await new Promise(setImmediate);
  });
});
