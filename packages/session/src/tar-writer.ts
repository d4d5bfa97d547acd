import { BLOCK } from "./tar-header.js";

/** An entry to write. */
export interface NewTarEntry {
  /** Without a slash at its end. */
  readonly name: string;
  readonly type: "file" | "directory" | "symlink";
  /** Permission bits. */
  readonly mode: number;
  /** Bytes; 0 for what has no content. */
  readonly size: number;
  readonly mtimeMs: number;
  /** Of a symbolic link. */
  readonly linkName?: string | undefined;
}

const TYPES = { file: "0", directory: "5", symlink: "2" } as const;
const LARGEST_USTAR_SIZE = 0o77777777777;
const NAME_BYTES = 100;

/** What ends an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK);

/** Zeros up to the next block. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The header of an entry (ustar), after a PAX header where something does not fit. Owners are left to who unpacks. */
export function tarHeader(entry: NewTarEntry): Uint8Array {
  const name = entry.type === "directory" ? `${entry.name}/` : entry.name;
  const linkName = entry.linkName ?? "";
  const records = [
    Buffer.byteLength(name) > NAME_BYTES ? paxRecord("path", name) : "",
    Buffer.byteLength(linkName) > NAME_BYTES ? paxRecord("linkpath", linkName) : "",
    entry.size > LARGEST_USTAR_SIZE ? paxRecord("size", String(entry.size)) : "",
  ].join("");
  const plain = block(name, TYPES[entry.type], entry.mode, entry.size, entry.mtimeMs, linkName);
  if (records === "") return plain;
  const data = Buffer.from(records);
  return Buffer.concat([
    block("PaxHeader", "x", 0o644, data.byteLength, entry.mtimeMs, ""),
    data,
    tarPadding(data.byteLength),
    plain,
  ]);
}

function block(name: string, type: string, mode: number, size: number, mtimeMs: number, linkName: string): Uint8Array {
  const bytes = Buffer.alloc(BLOCK);
  const seconds = Math.min(Math.max(Math.floor(mtimeMs / 1000), 0), LARGEST_USTAR_SIZE);
  // Cut names are replaced by those of the PAX header before.
  Buffer.from(name).copy(bytes, 0, 0, NAME_BYTES);
  bytes.write(octal(mode, 7), 100);
  bytes.write(octal(0, 7), 108);
  bytes.write(octal(0, 7), 116);
  bytes.write(octal(Math.min(size, LARGEST_USTAR_SIZE), 11), 124);
  bytes.write(octal(seconds, 11), 136);
  bytes.write("        ", 148);
  bytes.write(type, 156);
  Buffer.from(linkName).copy(bytes, 157, 0, NAME_BYTES);
  bytes.write("ustar\0" + "00", 257);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${octal(sum, 6)}\0 `, 148);
  return bytes;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

/** `LENGTH KEY=VALUE\n`, the length counting its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (bytes + String(length).length > length) length += 1;
  return `${length}${rest}`;
}
