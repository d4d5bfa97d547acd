import { parseJson } from "./fields.js";
import { protocolError } from "./violation.js";

const MAX_LINE = 256 * 1024;
const NEWLINE = 0x0a;

/** The JSON of each line of a stream that came out of a container. @throws `internal` (reason `protocol`). */
export async function* jsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  let rest: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let at = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
      const line = Buffer.concat([...rest, chunk.subarray(at, end)]);
      rest = [];
      size = 0;
      at = end + 1;
      if (line.length > 0) yield parseJson("a line", line);
    }
    if (at < chunk.length) rest.push(chunk.subarray(at));
    size += chunk.length - at;
    if (size > MAX_LINE) throw protocolError(`a line of more than ${MAX_LINE} bytes`);
  }
}
