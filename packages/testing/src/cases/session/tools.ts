import assert from "node:assert/strict";
import type { ContainerConfig, SessionApi, SessionId } from "@podkit/core";
import { countContainers, image, refused } from "../../conformance/tools.js";
import type { SessionContext } from "../../conformance/types.js";

/** Opens a session in `busybox` under new ids, with what `config` says beside. */
export function open(
  context: SessionContext,
  config: ContainerConfig = {},
  id: SessionId = context.newId(),
): Promise<SessionApi> {
  return context.harness.open({ ...id, config: { image: image(context, "busybox"), ...config } });
}

/** Opens a session that is there, as another program would. */
export function reopen(context: SessionContext, session: SessionId): Promise<SessionApi> {
  return context.harness.open({ userId: session.userId, sessionId: session.sessionId, fresh: true });
}

/** Runs a script with /bin/sh and gives its stdout; a failure is an error. */
export async function sh(session: SessionApi, script: string): Promise<string> {
  return (await session.executeCommand(["/bin/sh", "-c", script], { check: true, timeoutMs: 30_000 })).stdout;
}

/** Shows that a configuration is refused with `unsupported`, and that nothing was made for it. */
export function refusesConfig(config: ContainerConfig): (context: SessionContext) => Promise<void> {
  return async (context) => {
    await refused(() => open(context, config), "unsupported");
    assert.equal(await countContainers(context), 0, "a container was made although it was refused");
  };
}

/** Command lines of all processes in the container that hold `marker`. The looking one does not know it. */
export async function processesWith(session: SessionApi, marker: string): Promise<string[]> {
  const script = 'for p in /proc/[0-9]*; do tr "\\0" " " <"$p/cmdline" 2>/dev/null; echo; done';
  return (await sh(session, script)).split("\n").filter((line) => line.includes(marker));
}

let markers = 0;

/** Seconds for `sleep` that no other command has, so that what sleeps can be found again. */
export function sleepMarker(): string {
  markers += 1;
  return `600.${process.pid}${markers}`;
}

/** The id of the container that a session has now. */
export async function containerOf(session: SessionApi): Promise<string> {
  return (await session.info()).containerId;
}
