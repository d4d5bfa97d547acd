/** Names of the networks that a container joins, as JSON: what a creation that was cut is completed from. */
export const NETWORKS_LABEL = "dev.podkit.networks";
/** Drawn for each creation, so that what it left can be told from another's. */
export const NONCE_LABEL = "dev.podkit.nonce";
/** On an agent volume and its filler: the agent's version. */
export const AGENT_VOLUME_LABEL = "dev.podkit.agent-volume";
/** On the network of `networkMode: "internal"`. */
export const INTERNAL_LABEL = "dev.podkit.internal";
