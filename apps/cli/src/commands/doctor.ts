import { createPodkit, type DockerProbe, probeDocker } from "podkit";
import type { CommonFlags, Io } from "../io.js";
import { table } from "../table.js";
import { printJson } from "../with-podkit.js";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** `podkit doctor`: what was tried, what answered, and what podkit would use. Code 1 where nothing can be used. */
export async function doctor(flags: CommonFlags, io: Io): Promise<number> {
  const places = await probeDocker({ host: flags.dockerHost });
  const checks = [...(await checkEngine(flags))];
  const ok = checks.every((check) => check.ok);
  if (flags.json === true)
    printJson(io, { ok, node: process.version, platform: `${process.platform}/${process.arch}`, places, checks });
  else io.stdout.write(describe(places, checks, ok));
  return ok ? 0 : 1;
}

async function checkEngine(flags: CommonFlags): Promise<Check[]> {
  await using podkit = createPodkit({
    docker: flags.dockerHost === undefined ? undefined : { host: flags.dockerHost },
    prefix: flags.prefix,
  });
  try {
    const engine = await podkit.connect({ timeoutMs: CONNECT_TIMEOUT_MS });
    const sessions = await podkit.list({ signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
    return [
      {
        name: "engine",
        ok: true,
        detail: `${engine.name} ${engine.version} on ${engine.platform}, at ${engine.endpoint}`,
      },
      { name: "sessions", ok: true, detail: `${sessions.length} of this prefix` },
    ];
  } catch (error) {
    return [{ name: "engine", ok: false, detail: error instanceof Error ? error.message : String(error) }];
  }
}

function describe(places: readonly DockerProbe[], checks: readonly Check[], ok: boolean): string {
  const tried = places.map((place) => [
    place.source,
    place.endpoint,
    place.ok ? `answers, version ${place.version ?? "unknown"}` : `no: ${place.error ?? "no answer"}`,
  ]);
  const lines = checks.map((check) => `${check.ok ? "ok  " : "FAIL"}  ${check.name}: ${check.detail}\n`);
  const advice = ok
    ? ""
    : "\nStart Docker, or set DOCKER_HOST to where it answers. podkit needs the right to use its socket.\n";
  return `Node ${process.version} on ${process.platform}/${process.arch}\n\nTried, in this order:\n${table(["FROM", "PLACE", "ANSWER"], tried)}\n${lines.join("")}${advice}`;
}
