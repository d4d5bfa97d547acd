import { createHash } from "node:crypto";
import { join } from "node:path";
import { PodkitError, quote } from "@podkit/core";
import { parseJson, record, text } from "../parse.js";
import type { Candidate, Surroundings } from "./candidates.js";
import { parseEndpoint, type TlsFiles } from "./endpoint.js";

/**
 * The endpoint of the docker context in use: `DOCKER_CONTEXT`, else `currentContext` of the docker command's config file.
 * Undefined for none and for `default`, which means the usual socket.
 * @throws `not_found` where a context is named that is not there.
 */
export function contextCandidate(around: Surroundings): Candidate | undefined {
  const folder = around.env["DOCKER_CONFIG"] || join(around.home, ".docker");
  const name = around.env["DOCKER_CONTEXT"] || configured(folder, around);
  if (name === "" || name === "default") return undefined;
  const id = createHash("sha256").update(name).digest("hex");
  const meta = around.readFile(join(folder, "contexts/meta", id, "meta.json"));
  const docker = record(record(record(meta === undefined ? undefined : parseJson(meta))["Endpoints"])["docker"]);
  const host = text(docker["Host"]);
  if (host === "") {
    throw new PodkitError(
      "not_found",
      `The docker context ${quote(name)} is in use, but ${folder} knows no such context. \`docker context ls\` shows which there are; set DOCKER_HOST or DOCKER_CONTEXT to choose another.`,
      { details: { context: name } },
    );
  }
  const tls = contextTls(join(folder, "contexts/tls", id, "docker"), docker["SkipTLSVerify"] !== true, around);
  return { source: `context ${quote(name)}`, endpoint: parseEndpoint(host, `The docker context ${quote(name)}`, tls) };
}

function configured(folder: string, around: Surroundings): string {
  const config = around.readFile(join(folder, "config.json"));
  return config === undefined ? "" : text(record(parseJson(config))["currentContext"]);
}

function contextTls(folder: string, verify: boolean, around: Surroundings): TlsFiles | undefined {
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => around.readFile(join(folder, name)));
  return ca === undefined && cert === undefined && key === undefined ? undefined : { ca, cert, key, verify };
}
