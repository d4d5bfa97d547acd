import { parseJson } from "./fields.js";
import { protocolError } from "./violation.js";

const MAX_LINE = 256 * 1024;
const NEWLINE = 0x0a;

/**
 * What `parse` makes of the JSON of each line of a stream that came out of a container; null is left out.
 * @throws `internal` (reason `protocol`).
 */
export async function* jsonLines<T>(
  chunks: AsyncIterable<Buffer>,
  parse: (line: unknown) => T | null,
): AsyncGenerator<T> {
  let rest: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let at = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
      const line = Buffer.concat([...rest, chunk.subarray(at, end)]);
      rest = [];
      size = 0;
      at = end + 1;
      const item = line.length === 0 ? null : parse(parseJson("a line", line));
      if (item !== null) yield item;
    }
    if (at < chunk.length) rest.push(chunk.subarray(at));
    size += chunk.length - at;
    if (size > MAX_LINE) throw protocolError(`a line of more than ${MAX_LINE} bytes`);
  }
}
