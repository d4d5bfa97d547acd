import { PodkitError } from "@podkit/core";
import { checkUser } from "./exec-routes.js";
import { type Call, readBody, sendJson, sendNothing } from "./http.js";
import type { World } from "./process.js";

const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** Answers requests for files. There are no archives and no watches. */
export async function handleFiles(world: World, call: Call): Promise<void> {
  const { method, query, stream } = call;
  const { files, workingDir } = world;
  const path = files.resolve(query.get("path") ?? "", workingDir);
  checkUser(query.get("user") ?? undefined);
  switch (`${method} ${call.path[1] ?? ""}`) {
    case "GET content":
      return sendContent(call, files.read(path));
    case "PUT content":
      return sendJson(stream, files.write(path, await readBody(stream, MAX_FILE_BYTES), modeOf(query, 0o644)));
    case "GET stat":
      return sendJson(stream, files.stat(path));
    case "GET list":
      return sendJson(stream, { entries: files.list(path, wholeNumber(query, "depth", 1)), truncated: false });
    case "POST mkdir":
      return sendJson(stream, files.mkdir(path, query.get("parents") === "1", modeOf(query, 0o755)));
    case "POST rename":
      files.rename(path, files.resolve(query.get("to") ?? "", workingDir));
      return sendNothing(stream);
    case "DELETE ":
      files.remove(path, query.get("recursive") === "1");
      return sendNothing(stream);
    default:
      throw new PodkitError("unsupported", `${method} /v1/${call.path.join("/")} is not served by this agent.`);
  }
}

function sendContent({ stream, query }: Call, data: Buffer): void {
  const offset = wholeNumber(query, "offset", 0);
  const length = wholeNumber(query, "length", data.length);
  stream.respond({ ":status": 200, "podkit-size": String(data.length) });
  stream.end(data.subarray(offset, offset + length));
}

function modeOf(query: URLSearchParams, fallback: number): number {
  const mode = wholeNumber(query, "mode", fallback);
  if (mode > 0o7777) throw new PodkitError("invalid_argument", `mode ${mode} has more than permission bits.`);
  return mode;
}

function wholeNumber(query: URLSearchParams, name: string, fallback: number): number {
  const value = query.get(name);
  if (value === null) return fallback;
  if (!/^[0-9]{1,15}$/.test(value))
    throw new PodkitError("invalid_argument", `${name} ${JSON.stringify(value)} is no whole number.`);
  return Number(value);
}
