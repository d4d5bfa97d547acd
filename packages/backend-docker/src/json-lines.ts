import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { PodkitError } from "@podkit/core";
import { parseJson } from "./parse.js";

/** Longest line that is believed. */
const MAX_LINE_CHARS = 4 * 1024 * 1024;

/**
 * The values of a stream of JSON, one a line. Lines that are none are left out.
 * @throws `internal` for a line without end.
 */
export async function* jsonLines(stream: Readable): AsyncGenerator<unknown, void, undefined> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of stream) {
    const bytes: Buffer = chunk;
    const lines = (rest + decoder.write(bytes)).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_CHARS)
      throw new PodkitError("internal", `The engine sent a line of more than ${MAX_LINE_CHARS} characters.`);
    for (const line of lines) yield* value(line);
  }
  yield* value(rest + decoder.end());
}

function* value(line: string): Generator<unknown, void, undefined> {
  const parsed = line.trim() === "" ? undefined : parseJson(line);
  if (parsed !== undefined) yield parsed;
}
