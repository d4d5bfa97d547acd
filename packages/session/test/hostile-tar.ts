import { type Header, pack } from "tar-stream";

/** An entry of a made-up archive. */
export interface Entry extends Partial<Header> {
  readonly name: string;
  readonly content?: string | undefined;
}

/** An archive by an independent writer, as the container would send it. */
export async function tarOf(...entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry({ ...header }, content ?? "");
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes in pieces of any size. */
export async function* pieces(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

/** A header that no writer makes: fields are written over and the checksum is made right. */
export function forged(block: Uint8Array, fields: readonly (readonly [offset: number, text: string])[]): Buffer {
  const bytes = Buffer.from(block);
  for (const [offset, text] of fields) bytes.write(text, offset, "latin1");
  bytes.write("        ", 148);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}
