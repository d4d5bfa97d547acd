import { type ErrorCode, PodkitError } from "@podkit/core";
import { record, text } from "./parse.js";

/** What a call was about, for the error's message. */
export interface Subject {
  readonly kind: "container" | "image" | "network" | "volume" | "engine";
  readonly name: string;
  /** What is missing where the engine says that something is, if that is something else. */
  readonly needs?: Subject;
}

const GONE = new Set([
  "ECONNREFUSED",
  "ENOENT",
  "ECONNRESET",
  "EPIPE",
  "EACCES",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/** What the engine said, without dockerode's frame around it. */
export function engineWords(error: unknown): string {
  const message = error instanceof Error ? error.message : text(record(error)["message"]);
  return message.replace(/^\(HTTP code \d+\) [^-]*- /, "").trim() || "(no message)";
}

/** The status of an engine's answer; null where it did not answer. */
export function statusOf(error: unknown): number | null {
  const status = typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : undefined;
  return typeof status === "number" ? status : null;
}

/** The error for an engine that cannot be reached. */
export function unreachable(endpoint: string, cause: unknown): PodkitError {
  const why = text(record(cause)["code"]) || engineWords(cause);
  const hint =
    why === "EACCES"
      ? "This user may not open it: add the user to the docker group, or set DOCKER_HOST"
      : "Start it, or set DOCKER_HOST";
  return new PodkitError(
    "unavailable",
    `Docker does not answer at ${endpoint} (${why}). ${hint}; \`podkit doctor\` shows what was tried.`,
    {
      cause,
      details: { endpoint, reason: why },
    },
  );
}

/** Makes a {@link PodkitError} of whatever a request to the engine rejected with. */
export function translate(error: unknown, doing: string, endpoint: string, subject?: Subject): PodkitError {
  if (PodkitError.is(error)) return error;
  const status = statusOf(error);
  if (status === null)
    return isGone(error)
      ? unreachable(endpoint, error)
      : new PodkitError("internal", `${doing} failed: ${engineWords(error)}`, { cause: error });
  const words = engineWords(error);
  return (
    portTaken(words, doing, error) ??
    bySaying(words, doing, error, subject) ??
    byStatus(status, words, doing, error, subject)
  );
}

function isGone(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (typeof code === "string" && (GONE.has(code) || /CERT|TLS|SSL|^HPE_/.test(code))) return true;
  return error instanceof Error && /socket hang up|aborted|connection.*closed/i.test(error.message);
}

/** How engines of different ages name the port. */
const PORT_NAMES = [
  /host port (?:for )?(?:[\d.]+|\[[^\]]+\]):(\d{1,5})[:/]/i,
  /:(\d{1,5})(?: failed)?: (?:bind: )?(?:port is already|address already)/i,
];

function portTaken(words: string, doing: string, cause: unknown): PodkitError | undefined {
  if (!/port is already allocated|address already in use/i.test(words)) return undefined;
  const port = PORT_NAMES.map((name) => name.exec(words)?.[1]).find((found) => found !== undefined);
  const named = port === undefined ? "A port" : `Port ${port}`;
  return new PodkitError(
    "conflict",
    `${named} of the host is taken, so ${lowerFirst(doing)} failed. Free it, or ask for another (\`host: 0\` draws one). The engine says: ${words}`,
    {
      cause,
      details: { reason: "port_taken", ...(port === undefined ? {} : { port: Number(port) }) },
    },
  );
}

function bySaying(words: string, doing: string, cause: unknown, subject: Subject | undefined): PodkitError | undefined {
  const source = /bind source path does not exist: (.+)$/i.exec(words)?.[1];
  if (source !== undefined) {
    return new PodkitError(
      "not_found",
      `The folder ${JSON.stringify(source)} that is to be mounted does not exist on the engine's machine. Make it first, or correct the path.`,
      {
        cause,
        details: { kind: "bind", name: source },
      },
    );
  }
  if (/no space left on device|disk quota exceeded/i.test(words)) {
    return new PodkitError(
      "resource_exhausted",
      `${doing} failed: the engine's disk is full. Make room on it (\`docker system df\`), then try again. The engine says: ${words}`,
      { cause },
    );
  }
  if (
    /storage-opt is supported only|could not select device driver|unknown or invalid runtime|Unknown runtime/i.test(
      words,
    )
  ) {
    return new PodkitError("unsupported", `${doing} asks for something that this engine cannot do: ${words}`, {
      cause,
    });
  }
  if (/marked for removal|removal of container \S+ is already in progress/i.test(words)) {
    return new PodkitError("not_found", `${doing} failed: it is being removed. The engine says: ${words}`, {
      cause,
      details: { reason: "removing", ...named(subject) },
    });
  }
  const network = /network (\S+) not found/i.exec(words)?.[1];
  if (network !== undefined) return missing({ kind: "network", name: network }, words, cause);
  if (/(is not running|is paused|is not paused|container.* paused)/i.test(words)) {
    return new PodkitError("invalid_state", `${doing} failed: ${words}`, {
      cause,
      details: { reason: /paused/i.test(words) ? "paused" : "not_running", ...named(subject) },
    });
  }
  return undefined;
}

function missing(subject: Subject, words: string, cause: unknown): PodkitError {
  return new PodkitError(
    "not_found",
    `There is no ${subject.kind} ${JSON.stringify(subject.name)} on this engine. The engine says: ${words}`,
    { cause, details: named(subject) },
  );
}

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  409: "conflict",
  501: "unsupported",
  503: "unavailable",
};

function byStatus(
  status: number,
  words: string,
  doing: string,
  cause: unknown,
  subject: Subject | undefined,
): PodkitError {
  if (status === 404 && subject !== undefined) return missing(subject.needs ?? subject, words, cause);
  if (status === 409 && /already in use by container|already exists/i.test(words)) {
    return new PodkitError("already_exists", `${doing} failed: the name is taken. The engine says: ${words}`, {
      cause,
      details: named(subject),
    });
  }
  return new PodkitError(BY_STATUS[status] ?? "internal", `${doing} failed: ${words}`, {
    cause,
    details: { status, ...named(subject) },
  });
}

function named(subject: Subject | undefined): Readonly<Record<string, string>> {
  return subject === undefined ? {} : { kind: subject.kind, name: subject.name };
}

function lowerFirst(value: string): string {
  return value.charAt(0).toLowerCase() + value.slice(1);
}
