import type { OnConfigMismatch, RegistryAuth } from "@podkit/core";
import type { Asked } from "../config/asked.js";
import type { Lease } from "../connection.js";
import type { Target } from "../core.js";
import type { StoredRecord } from "../labels/record.js";

/** What a call wants of an identity's container; checked. */
export interface Wanted extends Target {
  readonly asked: Asked;
  readonly registryAuth: RegistryAuth | undefined;
  readonly defaultImage: string;
  readonly onMismatch: OnConfigMismatch;
  /** What the container was made with when it was last seen: where it is gone it is made again like that, and no hook is asked. */
  readonly remembered: StoredRecord | undefined;
}

/** The container of an identity, found or made. */
export interface Opened {
  readonly containerId: string;
  readonly record: StoredRecord;
  /** Null where the container is paused: an agent that is frozen cannot shake hands. */
  readonly lease: Lease | null;
}

/** The engine's state changed under the attempt: look again from the top. */
export const AGAIN: unique symbol = Symbol("again");

/** What one attempt gave. */
export type Attempt = Opened | typeof AGAIN;
