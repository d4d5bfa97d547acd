import { join } from "node:path";
import type { CallOptions, RegistryAuth } from "@podkit/core";
import type { Surroundings } from "../connect/candidates.js";
import { type Json, parseJson, record, text } from "../parse.js";
import type { CredentialHelper } from "./credential-helper.js";
import { type ImageReference, registryHost } from "./reference.js";

/** The address that Docker Hub's logins are kept under. */
const HUB = "https://index.docker.io/v1/";

/** What logins are looked up in. */
export interface AuthSources {
  readonly around: Surroundings;
  readonly helper: CredentialHelper;
}

/**
 * The `X-Registry-Auth` header for a pull: what the caller gave for this registry, else Docker's config file and its helpers.
 * Undefined: no login. A login is only ever sent to the registry that it is for.
 */
export async function registryAuthHeader(
  reference: ImageReference,
  given: RegistryAuth | undefined,
  sources: AuthSources,
  options: CallOptions,
): Promise<string | undefined> {
  const { registry } = reference;
  const login = typeof given === "function" ? await given(registry) : given;
  if (login !== undefined && registryHost(login.serverAddress ?? registry) === registry) {
    return header({ username: login.username, password: login.password, serveraddress: server(registry) });
  }
  return await fromConfig(registry, sources, options);
}

async function fromConfig(
  registry: string,
  { around, helper }: AuthSources,
  options: CallOptions,
): Promise<string | undefined> {
  const folder = around.env["DOCKER_CONFIG"] || join(around.home, ".docker");
  const config = record(parseJson(around.readFile(join(folder, "config.json")) ?? ""));
  const stored = entryFor(record(config["auths"]), registry);
  const program = text(entryFor(record(config["credHelpers"]), registry)) || text(config["credsStore"]);
  if (program !== "") {
    const found = await helper(program, server(registry), options);
    // `<token>` is how a helper says that the secret is an identity token.
    if (found?.username === "<token>") return header({ identitytoken: found.secret, serveraddress: server(registry) });
    if (found !== undefined)
      return header({ username: found.username, password: found.secret, serveraddress: server(registry) });
  }
  return fromEntry(record(stored), registry);
}

function entryFor(entries: Json, registry: string): unknown {
  return entries[registry] ?? Object.entries(entries).find(([address]) => registryHost(address) === registry)?.[1];
}

function fromEntry(entry: Json, registry: string): string | undefined {
  const identitytoken = text(entry["identitytoken"]);
  if (identitytoken !== "") return header({ identitytoken, serveraddress: server(registry) });
  const pair = Buffer.from(text(entry["auth"]), "base64").toString("utf8");
  const at = pair.indexOf(":");
  const username = at < 0 ? text(entry["username"]) : pair.slice(0, at);
  const password = at < 0 ? text(entry["password"]) : pair.slice(at + 1);
  return username === "" ? undefined : header({ username, password, serveraddress: server(registry) });
}

function server(registry: string): string {
  return registry === "docker.io" ? HUB : registry;
}

// The engine takes the padded form only, and goes on without login where it cannot read the header.
function header(login: Readonly<Record<string, string>>): string {
  return Buffer.from(JSON.stringify(login)).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}
