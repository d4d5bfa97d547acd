import { AGENT_PATH } from "@podkit/core";
import { pack } from "tar-stream";

const BINARY = AGENT_PATH.slice(AGENT_PATH.lastIndexOf("/") + 1);
/** Written last: who reads it knows that the binary is whole. */
export const MARKER = ".sha256";

/**
 * The agent as a tar archive for its volume. The binary is written under a name of its own and then linked to where containers
 * start it from, so that a container that starts meanwhile finds the old one, the new one or none, never half of one.
 */
export async function agentArchive(binary: Uint8Array, sha256: string): Promise<Buffer> {
  const archive = pack();
  const mtime = new Date(0);
  const whole = `.${BINARY}-${sha256.slice(0, 12)}`;
  archive.entry(
    { name: whole, mode: 0o755, mtime, type: "file" },
    Buffer.from(binary.buffer, binary.byteOffset, binary.byteLength),
  );
  archive.entry({ name: BINARY, mode: 0o755, mtime, type: "link", linkname: whole });
  archive.entry({ name: MARKER, mode: 0o444, mtime, type: "file" }, `${sha256}\n`);
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks);
}
