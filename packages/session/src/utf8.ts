/** Bytes of an unfinished character at the end of `bytes`; 0 where the last one is whole, or no UTF-8 at all. */
export function unfinishedTail(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.byteLength); back += 1) {
    const byte = bytes[bytes.byteLength - back] ?? 0;
    if (isContinuation(byte)) continue;
    return sequenceLength(byte) > back ? back : 0;
  }
  return 0;
}

/** Bytes at the start of `bytes` that belong to a character that began before. */
export function orphanedHead(bytes: Uint8Array): number {
  let count = 0;
  while (count < 3 && count < bytes.byteLength && isContinuation(bytes[count] ?? 0)) count += 1;
  return count;
}

/** Bytes as text; what is no UTF-8 becomes U+FFFD. A byte order mark is kept. */
export function decodeUtf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}
