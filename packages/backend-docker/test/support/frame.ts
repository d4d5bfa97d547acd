/** A frame of Docker's multiplexed stream. */
export function frame(stream: number, data: string | Buffer): Buffer {
  const bytes = Buffer.from(data);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}
