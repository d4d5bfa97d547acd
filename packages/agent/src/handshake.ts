import type { ByteStream } from "@podkit/core";
import { PodkitError } from "@podkit/core";
import { Connection } from "./connection.js";
import type { AgentLink } from "./link.js";
import { type AgentHello, parseHello, parseProtocol } from "./models.js";
import { roundTrip } from "./request.js";
import { AGENT_VERSION, PROTOCOL } from "./version.js";

/** A connection whose agent shook hands. */
export interface Shaken {
  readonly connection: Connection;
  readonly hello: AgentHello;
}

/**
 * Opens a stream through the link and shakes hands. What was opened is closed where that fails.
 * @throws `unavailable`, `aborted`; `invalid_state` (reason `agent_version`) where the agent speaks another major.
 */
export async function shakeHands(
  link: AgentLink,
  signal: AbortSignal,
  onClose: (connection: Connection) => void,
): Promise<Shaken> {
  const stream = await link.open({ signal });
  if (signal.aborted) throw discard(stream, signal);
  const connection = new Connection(stream, onClose);
  try {
    const answer = await roundTrip(connection, {
      doing: "Shaking hands with the agent",
      method: "GET",
      path: "/v1/hello",
      signal,
    });
    checkMajor(parseProtocol(answer));
    return { connection, hello: parseHello(answer) };
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** Closes a stream that came after its caller had left. */
function discard(stream: ByteStream, signal: AbortSignal): PodkitError {
  stream.on("error", () => undefined);
  stream.destroy();
  return new PodkitError("aborted", "Connecting to the agent was aborted by its caller.", { cause: signal.reason });
}

function checkMajor({ protocol, version }: ReturnType<typeof parseProtocol>): void {
  if (protocol.major === PROTOCOL.major) return;
  throw new PodkitError(
    "invalid_state",
    `The container's agent ${version} speaks protocol ${protocol.major}.${protocol.minor}; this program's client ${AGENT_VERSION} speaks ` +
      `${PROTOCOL.major}.${PROTOCOL.minor}. Make the container again (onConfigMismatch: "recreate"), or use the podkit that made it.`,
    {
      details: {
        reason: "agent_version",
        agent: { version, protocol },
        client: { version: AGENT_VERSION, protocol: PROTOCOL },
      },
    },
  );
}
