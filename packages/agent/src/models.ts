import type { ListeningPort } from "@podkit/core";
import { Fields, signalField } from "./fields.js";
import { protocolError } from "./violation.js";

/** What an agent says of itself at the handshake. */
export interface AgentHello {
  readonly protocol: { readonly major: number; readonly minor: number };
  /** Version of the agent's binary. */
  readonly version: string;
  /** New at each start of the agent. */
  readonly instance: string;
  /** Its process id inside the container; 1 where it is the init. */
  readonly pid: number;
  readonly uid: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Such as `linux/amd64`. */
  readonly platform: string;
  /** Parts of the protocol that it serves. */
  readonly features: readonly string[];
}

/** What an agent does at the moment. */
export interface AgentStatus {
  readonly instance: string;
  /** The container's clock, milliseconds since the epoch; so are the times below. */
  readonly now: number;
  readonly startedAt: number;
  readonly lastActivityAt: number;
  /** Null: it never stops by itself. */
  readonly lifetimeMs: number | null;
  readonly running: { readonly execs: number; readonly processes: number };
  /** The container's own program; null where it has none. */
  readonly program: null | {
    readonly pid: number;
    readonly state: "running" | "exited";
    readonly exitCode: number | null;
    /** With `SIG`. */
    readonly signal: string | null;
  };
  /** When it will stop by itself if nobody calls; null where it will not, or something runs. */
  readonly idleAt: number | null;
}

const MAX_PID = 2 ** 31 - 1;

/** Reads an answer to `GET /v1/hello`, of any protocol version: what a newer major changed is not looked at. */
export function parseProtocol(value: unknown): { protocol: AgentHello["protocol"]; version: string } {
  const fields = new Fields("hello", value);
  const protocol = fields.object("protocol");
  return {
    protocol: { major: protocol.integer("major"), minor: protocol.integer("minor") },
    version: fields.string("version", 64).replace(/[^\x21-\x7e]/g, "?"),
  };
}

/** Reads an answer to `GET /v1/hello` of our own major. */
export function parseHello(value: unknown): AgentHello {
  const fields = new Fields("hello", value);
  const instance = fields.string("instance", 128);
  if (instance === "") throw protocolError("hello.instance is empty");
  return {
    ...parseProtocol(value),
    instance,
    pid: fields.integer("pid", 1, MAX_PID),
    uid: fields.integer("uid", 0, 2 ** 32 - 1),
    startedAt: fields.number("startedAt"),
    platform: fields.string("platform", 64),
    features: fields.strings("features", 256, 64),
  };
}

/** Reads an answer to `GET /v1/status`. */
export function parseStatus(value: unknown): AgentStatus {
  const fields = new Fields("status", value);
  const running = fields.object("running");
  return {
    instance: fields.string("instance", 128),
    now: fields.number("now"),
    startedAt: fields.number("startedAt"),
    lastActivityAt: fields.number("lastActivityAt"),
    lifetimeMs: fields.nullable("lifetimeMs", () => fields.number("lifetimeMs")),
    running: { execs: running.integer("execs"), processes: running.integer("processes") },
    program: fields.nullable("program", () => parseProgram(fields.object("program"))),
    idleAt: fields.nullable("idleAt", () => fields.number("idleAt")),
  };
}

function parseProgram(fields: Fields): NonNullable<AgentStatus["program"]> {
  return {
    pid: fields.integer("pid", 0, MAX_PID),
    state: fields.word("state", ["running", "exited"]),
    exitCode: fields.nullable("exitCode", () => fields.integer("exitCode", 0, 255)),
    signal: signalField(fields, "signal"),
  };
}

/** Reads an answer to `GET /v1/ports`. */
export function parsePorts(value: unknown): ListeningPort[] {
  return new Fields("ports", value).list("ports", 65_536).map((item) => {
    const fields = new Fields("port", item);
    const owner = fields.nullable("owner", () => fields.object("owner"));
    return {
      port: fields.integer("port", 1, 65_535),
      address: fields.string("address", 64),
      pid: fields.nullable("pid", () => fields.integer("pid", 1, MAX_PID)),
      command: fields.nullable("command", () => fields.string("command", 4096)),
      processId: owner?.word("kind", ["exec", "process", "program"]) === "process" ? owner.string("id", 64) : null,
    };
  });
}
