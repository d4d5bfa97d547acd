import { type Mount, PodkitError, type PortRequest } from "@podkit/core";
import type { Asked } from "../config/asked.js";
import { checkConfig } from "../validate/config.js";
import { isRecord } from "../validate/problem.js";
import { LABEL_SCHEMA, LABEL_SPEC } from "./labels.js";
import { parseMade } from "./made.js";

/** The form that this version writes, and the newest that it reads. */
export const RECORD_SCHEMA = 1;

/** Largest record, in bytes. */
export const MAX_RECORD_BYTES = 128 * 1024;

/** What came of a configuration. */
export interface Made {
  /** The image as it was resolved. */
  readonly image: string;
  readonly imageId: string;
  /** The image's own; absent where it is unknown. */
  readonly platform?: string;
  /** The default user of commands; null: the image's own is root or unknown. */
  readonly user: string | null;
  /** With the host ports that were drawn. */
  readonly ports: readonly PortRequest[];
  readonly mounts: readonly Mount[];
  /** With those of the parent. */
  readonly networks: readonly string[];
  /** True where a program beside the agent runs in it. */
  readonly program: boolean;
}

/** Everything that is stored with a container. */
export interface StoredRecord {
  /** What was asked, after `beforeCreate`. */
  readonly asked: Asked;
  /** Values of the fields that were not asked for. */
  readonly defaults: Asked;
  /** What was asked in fields that `beforeCreate` changed. */
  readonly replaced: Asked;
  readonly made: Made;
}

/** What was asked over the defaults of its time. */
export function effective(record: Pick<StoredRecord, "asked" | "defaults">): Asked {
  return { ...record.defaults, ...record.asked };
}

/**
 * A record as it stands in a label.
 * @throws `invalid_argument` where it is too large.
 */
export function serializeRecord(record: StoredRecord): string {
  const text = JSON.stringify({ schema: RECORD_SCHEMA, ...record });
  const size = Buffer.byteLength(text, "utf8");
  if (size <= MAX_RECORD_BYTES) return text;
  throw new PodkitError(
    "invalid_argument",
    `The configuration takes ${size} bytes, and at most ${MAX_RECORD_BYTES} can be stored with a container. ` +
      "Pass less in environment, command or labels; large values belong in a file.",
    { details: { bytes: size, maxBytes: MAX_RECORD_BYTES } },
  );
}

/**
 * Reads the record of a container. What comes back from an engine may be anything: every field is checked as if a stranger had written it.
 * @throws `invalid_state` where it is missing, damaged, or written by a newer podkit.
 */
export function parseRecord(labels: Readonly<Record<string, string>>, containerName: string): StoredRecord {
  const schema = labels[LABEL_SCHEMA];
  if (schema !== undefined && /^[0-9]{1,9}$/.test(schema) && Number(schema) > RECORD_SCHEMA) {
    throw unreadable(
      containerName,
      `it was stored by a newer podkit (schema ${schema}, this one reads ${RECORD_SCHEMA}). Update podkit`,
    );
  }
  const text = labels[LABEL_SPEC];
  if (schema !== String(RECORD_SCHEMA) || text === undefined || Buffer.byteLength(text, "utf8") > MAX_RECORD_BYTES) {
    throw unreadable(containerName, "it is missing or too large");
  }
  try {
    return parseBody(JSON.parse(text));
  } catch (error) {
    throw unreadable(containerName, "it is damaged", error);
  }
}

function parseBody(value: unknown): StoredRecord {
  if (!isRecord(value) || value["schema"] !== RECORD_SCHEMA) throw new TypeError("no record of this schema");
  return {
    asked: checkConfig(value["asked"]).asked,
    defaults: checkConfig(value["defaults"]).asked,
    replaced: checkConfig(value["replaced"]).asked,
    made: parseMade(value["made"]),
  };
}

function unreadable(containerName: string, why: string, cause?: unknown): PodkitError {
  return new PodkitError(
    "invalid_state",
    `The stored configuration of container ${containerName} cannot be used: ${why}, remove the session, or open it with onConfigMismatch: "recreate".`,
    { details: { containerName, reason: "record" }, ...(cause === undefined ? {} : { cause }) },
  );
}
