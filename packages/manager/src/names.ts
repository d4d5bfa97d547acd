import { createHash } from "node:crypto";
import { type Identity, PodkitError, parseId, parsePrefix, quote } from "@podkit/core";

const SLUG_LENGTH = 20;
const HASH_LENGTH = 20;
const VOLUME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

/**
 * The name of an identity's container, `<prefix>-<slug>-<hash>`: the same for everyone, so that the engine's own unique names
 * are the lock between processes. The form is frozen.
 * @throws `invalid_argument` where the prefix or an id does not fit.
 */
export function containerName(identity: Identity): string {
  const prefix = parsePrefix(identity.prefix);
  const userId = parseId("userId", identity.userId);
  const sessionId = parseId("sessionId", identity.sessionId);
  const slug = `${sessionId}-${userId}`
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "")
    .slice(0, SLUG_LENGTH);
  return `${prefix}-${slug}-${shortHash(prefix, userId, sessionId)}`;
}

/**
 * The name on the engine of a user's named volume, `<prefix>-<user hash>-<name>`: users never share one.
 * @throws `invalid_argument` where a part does not fit.
 */
export function volumeName(prefix: string, userId: string, name: string): string {
  parsePrefix(prefix);
  parseId("userId", userId);
  if (!VOLUME.test(name)) {
    throw new PodkitError(
      "invalid_argument",
      `${quote(name)} is no volume name: it takes 1 to 63 letters, digits and _ . -, and begins with a letter or digit.`,
      { details: { field: "volumes" } },
    );
  }
  return `${prefix}-${shortHash(prefix, userId)}-${name}`;
}

/** True where `name` may name a volume. */
export function isVolumeName(name: string): boolean {
  return VOLUME.test(name);
}

function shortHash(...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0"), "utf8").digest("hex").slice(0, HASH_LENGTH);
}
