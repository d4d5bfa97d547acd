import { ByteReader } from "./byte-reader.js";
import { BLOCK, badTar, parseTarHeader, type TarHeader } from "./tar-header.js";
import { decodeUtf8 } from "./utf8.js";

/** Bytes of the extended headers of one entry, and their number; more are refused. */
const MAX_EXTENSION_BYTES = 64 * 1024;
const MAX_EXTENSIONS = 8;

/** One entry; its content must be read, or is skipped, before the next one is asked for. */
export interface TarEntry extends TarHeader {
  readonly content: () => AsyncGenerator<Uint8Array>;
}

/**
 * Reads a tar stream (ustar, PAX, GNU long names) that nobody vouches for, with bounded memory. It checks the form; names and links
 * are for the caller to judge.
 * @throws `invalid_state` (`details.reason: "bad_archive"`) where it is broken or cut short.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(source);
  try {
    for (;;) {
      const entry = await readHeaders(reader);
      if (entry === null) return;
      let left = entry.size;
      const content = async function* (): AsyncGenerator<Uint8Array> {
        while (left > 0) {
          const chunk = await reader.some(left);
          left -= chunk.byteLength;
          yield chunk;
        }
      };
      yield { ...entry, content };
      for await (const _ of content());
      await reader.exactly(padding(entry.size));
    }
  } finally {
    await reader.close();
  }
}

/** The next entry's header with what its extended headers say; null at the archive's end. */
async function readHeaders(reader: ByteReader): Promise<TarHeader | null> {
  let extended: Extension = {};
  let bytes = 0;
  for (let count = 0; count <= MAX_EXTENSIONS; count += 1) {
    const header = parseTarHeader(await reader.exactly(BLOCK));
    if (header === null || !isExtension(header.type)) return header && apply(header, extended);
    bytes += header.size;
    if (bytes > MAX_EXTENSION_BYTES) throw badTar("an entry's extended headers are too long");
    extended = { ...extended, ...(await readExtension(reader, header)) };
  }
  throw badTar("an entry has too many extended headers");
}

interface Extension {
  readonly name?: string;
  readonly linkName?: string;
  readonly size?: number;
  readonly mtimeMs?: number;
}

function isExtension(type: string): boolean {
  return type === "x" || type === "g" || type === "L" || type === "K";
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function apply(header: TarHeader, extended: Extension): TarHeader {
  const hasContent = header.type === "0" || header.type === "7";
  return { ...header, ...extended, size: hasContent ? (extended.size ?? header.size) : 0 };
}

async function readExtension(reader: ByteReader, { type, size }: TarHeader): Promise<Extension> {
  const data = await reader.exactly(size);
  await reader.exactly(padding(size));
  if (type === "g") return {};
  if (type === "x") return parsePax(data);
  const end = data.indexOf(0);
  const value = decodeUtf8(end === -1 ? data : data.subarray(0, end));
  return type === "L" ? { name: value } : { linkName: value };
}

/** Records of the form `LENGTH KEY=VALUE\n`, the length counting all of it. */
function parsePax(data: Uint8Array): Extension {
  const found: Record<string, string> = {};
  for (let at = 0; at < data.byteLength; ) {
    const space = data.indexOf(32, at);
    const digits = space === -1 ? "" : decodeUtf8(data.subarray(at, space));
    const end = at + Number(digits);
    if (!/^[1-9][0-9]{0,5}$/.test(digits) || end > data.byteLength || end <= space + 1)
      throw badTar("a PAX record's length is wrong");
    const record = decodeUtf8(data.subarray(space + 1, end - 1));
    const equals = record.indexOf("=");
    if (equals < 1) throw badTar("a PAX record has no name");
    found[record.slice(0, equals)] = record.slice(equals + 1);
    at = end;
  }
  return pick(found);
}

function pick(found: Readonly<Record<string, string>>): Extension {
  const { path, linkpath, size, mtime } = found;
  if (size !== undefined && !/^[0-9]{1,15}$/.test(size)) throw badTar("a PAX size is no number");
  const seconds = mtime === undefined ? Number.NaN : Number(mtime);
  return {
    ...(path === undefined ? {} : { name: path }),
    ...(linkpath === undefined ? {} : { linkName: linkpath }),
    ...(size === undefined ? {} : { size: Number(size) }),
    ...(Number.isFinite(seconds) ? { mtimeMs: seconds * 1000 } : {}),
  };
}
