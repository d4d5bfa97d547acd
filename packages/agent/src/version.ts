/** Version of the agent that this package brings; always the package's own. */
export const AGENT_VERSION: string = "0.1.0";

/** The protocol that this client speaks. An agent of the same major is understood, whatever its minor. */
export const PROTOCOL: { readonly major: 1; readonly minor: number } = { major: 1, minor: 1 };

/** Exit codes by which the agent says why it ended as PID 1. Other codes are its program's own, or 128 + signal. */
export const AGENT_EXIT: { readonly idle: 90; readonly asked: 91; readonly maxLifetime: 92; readonly failed: 93 } = {
  /** It was at rest for its whole lifetime. */
  idle: 90,
  /** It was asked to stop. */
  asked: 91,
  /** Its time since start is over. */
  maxLifetime: 92,
  /** It could not start. */
  failed: 93,
};
