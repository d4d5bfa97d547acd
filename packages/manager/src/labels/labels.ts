import { type Identity, PodkitError, parseId, parsePrefix } from "@podkit/core";

/** Every label of podkit begins with this. */
export const LABEL_PREFIX = "dev.podkit.";

/** The prefix of the application that a container or volume belongs to. */
export const LABEL_APP_PREFIX = "dev.podkit.prefix";

/** The user's id, as it was given. */
export const LABEL_USER = "dev.podkit.user";

/** The session's id, as it was given. */
export const LABEL_SESSION = "dev.podkit.session";

/** The stored record, in JSON. */
export const LABEL_SPEC = "dev.podkit.spec";

/** Version of the agent that the container was made with. */
export const LABEL_AGENT = "dev.podkit.agent";

/** Version of the stored record's form. */
export const LABEL_SCHEMA = "dev.podkit.schema";

/** The labels that say whose a container is. */
export function identityLabels(identity: Identity): Readonly<Record<string, string>> {
  return { [LABEL_APP_PREFIX]: identity.prefix, [LABEL_USER]: identity.userId, [LABEL_SESSION]: identity.sessionId };
}

/** Whose a container is, by its labels; null where they say nothing usable. */
export function identityOf(labels: Readonly<Record<string, string>>): Identity | null {
  try {
    return {
      prefix: parsePrefix(labels[LABEL_APP_PREFIX]),
      userId: parseId("userId", labels[LABEL_USER]),
      sessionId: parseId("sessionId", labels[LABEL_SESSION]),
    };
  } catch {
    return null;
  }
}

/**
 * Makes sure that a container with an identity's name is that identity's.
 * @throws `conflict` where it belongs to something else; it is never touched then.
 */
export function requireOwn(labels: Readonly<Record<string, string>>, identity: Identity, name: string): void {
  const found = identityOf(labels);
  if (
    found !== null &&
    found.prefix === identity.prefix &&
    found.userId === identity.userId &&
    found.sessionId === identity.sessionId
  ) {
    return;
  }
  throw new PodkitError(
    "conflict",
    `A container named ${name} exists, and its labels do not say that it is this session's, so that it is left alone. ` +
      "Remove or rename it, or use another prefix.",
    { details: { containerName: name, reason: "foreign" } },
  );
}
