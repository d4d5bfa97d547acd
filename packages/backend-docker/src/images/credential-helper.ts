import { spawn } from "node:child_process";
import { type DeadlineOptions, PodkitError, withDeadline } from "@podkit/core";
import { parseJson, record, text } from "../parse.js";

/** A login as a helper gives it; undefined: it has none for this registry. */
export type HelperLogin = { readonly username: string; readonly secret: string } | undefined;

/** Asks a `docker-credential-…` program for a login. */
export type CredentialHelper = (program: string, server: string, options: DeadlineOptions) => Promise<HelperLogin>;

type Environment = Readonly<Record<string, string | undefined>>;

const HELPER_TIMEOUT_MS = 15_000;
const MAX_OUTPUT_BYTES = 256 * 1024;

/** Runs `docker-credential-NAME get` with this environment, as the docker command does. */
export function credentialHelper(env: Environment): CredentialHelper {
  return (program, server, options) => ask(program, server, env, options);
}

async function ask(program: string, server: string, env: Environment, options: DeadlineOptions): Promise<HelperLogin> {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(program)) throw failed(program, server, "its name is none");
  const limits = { timeoutMs: HELPER_TIMEOUT_MS, ...options };
  const { code, output } = await withDeadline(`Asking docker-credential-${program} for a login`, limits, (signal) =>
    run(program, server, env, signal),
  );
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw failed(program, server, `it ended with code ${String(code)}`);
  }
  const answer = record(parseJson(output));
  const username = text(answer["Username"]);
  const secret = text(answer["Secret"]);
  return secret === "" ? undefined : { username, secret };
}

// What the helper printed is never shown: it may hold the secret.
function failed(program: string, server: string, why: string, cause?: unknown): PodkitError {
  return new PodkitError(
    "unauthenticated",
    `Docker's config names docker-credential-${program} for ${server}, but asking it failed: ${why}. Install or repair it, or give \`registryAuth\`.`,
    {
      cause,
      details: { helper: program, registry: server },
    },
  );
}

function run(
  program: string,
  server: string,
  env: Environment,
  signal: AbortSignal,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${program}`, ["get"], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...env },
      signal,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_OUTPUT_BYTES) chunks.push(chunk);
      else child.kill();
    });
    child.on("error", (error) => reject(failed(program, server, "it cannot be started", error)));
    child.on("close", (code) => resolve({ code, output: Buffer.concat(chunks).toString("utf8") }));
    child.stdin.on("error", () => undefined);
    child.stdin.end(server);
  });
}
