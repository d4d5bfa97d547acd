import { type ContainerInfo, ENGINE_TIMEOUT_MS, PodkitError, withDeadline } from "@podkit/core";
import type { Asked } from "../config/asked.js";
import { PROGRAM_LIVES_MS, STARTUP_LOG_LINES, STARTUP_TIMEOUT_MS } from "../config/defaults.js";
import type { Lease } from "../connection.js";
import { type Core, sleep, type Target } from "../core.js";
import { effective, type StoredRecord } from "../labels/record.js";
import { connectionTarget } from "./reach.js";

const RETRY_MS = 100;
const LOGS_TIMEOUT_MS = 5_000;
const MAX_LOG_BYTES = 64 * 1024;

/** A container that was just started. */
export interface Started extends Target {
  readonly containerId: string;
  readonly record: StoredRecord;
  /** What this call asks of the start; the stored one where it asks nothing. */
  readonly verification?: StartupVerification | undefined;
}

type StartupVerification = NonNullable<Asked["startupVerification"]>;

/**
 * Waits until a container that was just started is known to be well: its agent shook hands, and its program, where it has one,
 * lived {@link PROGRAM_LIVES_MS}.
 * @throws `invalid_state` with `details.reason: "crashed"`, status, exit code and last log lines; `timeout`; `not_found` where it is gone.
 */
export async function verifyStart(core: Core, started: Started, signal: AbortSignal): Promise<Lease> {
  const { timeoutMs = STARTUP_TIMEOUT_MS } = verification(started);
  const begun = core.clock.now();
  const lease = await firstHandshake(core, started, begun + timeoutMs, signal);
  if (!started.record.made.program) return lease;
  try {
    await sleep(core.clock, Math.max(0, begun + PROGRAM_LIVES_MS - core.clock.now()), { signal });
    await requireRunning(core, started, signal);
    return lease;
  } catch (error) {
    lease.release();
    throw error;
  }
}

function verification(started: Started): StartupVerification {
  return started.verification ?? effective(started.record).startupVerification ?? {};
}

async function firstHandshake(core: Core, started: Started, until: number, signal: AbortSignal): Promise<Lease> {
  for (;;) {
    const left = Math.max(1, until - core.clock.now());
    try {
      return await core.connections.acquire(connectionTarget(started, core.backend.capabilities.anyUser), {
        signal,
        timeoutMs: left,
      });
    } catch (error) {
      if (signal.aborted) throw error;
      await requireRunning(core, started, signal);
      if (isOtherProtocol(error)) throw error;
      if (core.clock.now() + RETRY_MS >= until) throw await notReady(core, started, error);
    }
    await sleep(core.clock, RETRY_MS, { signal });
  }
}

/** An agent of another protocol will not become another one by waiting. */
export function isOtherProtocol(error: unknown): boolean {
  return PodkitError.is(error, "invalid_state") && error.details["reason"] === "agent_version";
}

async function requireRunning(core: Core, started: Started, signal: AbortSignal): Promise<void> {
  const info = await core.backend.inspect(started.containerId, { signal, timeoutMs: ENGINE_TIMEOUT_MS });
  if (info.state === "stopped" || info.state === "created") throw await crashed(core, started, info);
}

async function crashed(core: Core, started: Started, info: ContainerInfo): Promise<PodkitError> {
  const logs = await lastLogs(core, started);
  const words = info.error === "" ? "" : ` The engine says: ${info.error}.`;
  return new PodkitError(
    "invalid_state",
    `Container ${started.name} of image ${started.record.made.image} ended while it started: status ${info.state}, exit code ` +
      `${info.exitCode ?? "unknown"}.${words} ${logs === "" ? "It logged nothing." : `Its last log lines:\n${logs}`}`,
    {
      details: {
        reason: "crashed",
        status: info.state,
        exitCode: info.exitCode,
        logs,
        image: started.record.made.image,
        containerName: started.name,
      },
    },
  );
}

async function notReady(core: Core, started: Started, cause: unknown): Promise<PodkitError> {
  const { timeoutMs = STARTUP_TIMEOUT_MS } = verification(started);
  const logs = await lastLogs(core, started);
  return new PodkitError(
    "timeout",
    `The agent in container ${started.name} did not answer within ${timeoutMs} ms. ` +
      `${logs === "" ? "The container logged nothing." : `Its last log lines:\n${logs}`}\nGive startupVerification.timeoutMs more time where the machine is busy.`,
    { cause, details: { reason: "not_ready", timeoutMs, logs, containerName: started.name } },
  );
}

/** The last log lines, without control characters: what a container wrote must not drive a terminal. Empty where they cannot be had. */
async function lastLogs(core: Core, started: Started): Promise<string> {
  const { logLines = STARTUP_LOG_LINES } = verification(started);
  if (logLines === 0) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    await withDeadline("Reading the log", { timeoutMs: LOGS_TIMEOUT_MS }, async (signal) => {
      for await (const { data } of core.backend.logs(started.containerId, { tail: logLines, signal })) {
        chunks.push(data);
        size += data.byteLength;
        while (size - (chunks[0]?.byteLength ?? 0) > MAX_LOG_BYTES) size -= chunks.shift()?.byteLength ?? 0;
      }
    });
  } catch (error) {
    core.logger.debug("the log of a failed start could not be read", { containerName: started.name, error });
  }
  const text = Buffer.concat(chunks).subarray(-MAX_LOG_BYTES).toString("utf8");
  return text
    .split("\n")
    .map((line) => line.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, ""))
    .join("\n")
    .trim();
}
