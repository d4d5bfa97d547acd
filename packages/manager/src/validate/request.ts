import { type OnConfigMismatch, parseId, type RegistryAuth, type SessionId } from "@podkit/core";
import type { Asked } from "../config/asked.js";
import { checkConfig } from "./config.js";
import { imageReference } from "./image.js";
import { isRecord, refuse } from "./problem.js";
import { fieldsOf, oneOf } from "./scalars.js";

/** A request that was checked. */
export interface CheckedRequest extends SessionId {
  readonly asked: Asked;
  readonly registryAuth: RegistryAuth | undefined;
  readonly defaultImage: string | undefined;
  readonly onConfigMismatch: OnConfigMismatch;
}

const MISMATCH = oneOf("error", "reuse", "recreate");

/** Checks all of a request before anything is done for it. @throws `invalid_argument`. */
export function checkRequest(request: unknown): CheckedRequest {
  if (!isRecord(request)) return refuse("request", request, "it takes an object with userId and sessionId");
  fieldsOf("request", request, ["userId", "sessionId", "config", "defaultImage", "onConfigMismatch"]);
  const { userId, sessionId, config, defaultImage, onConfigMismatch } = request;
  const { asked, registryAuth } = checkConfig(config);
  return {
    userId: parseId("userId", text(userId)),
    sessionId: parseId("sessionId", text(sessionId)),
    asked,
    registryAuth,
    defaultImage: defaultImage === undefined ? undefined : imageReference("defaultImage", defaultImage),
    onConfigMismatch: onConfigMismatch === undefined ? "error" : MISMATCH("onConfigMismatch", onConfigMismatch),
  };
}

/** What is no text is refused as the empty one is; an object may not even have a text form. */
function text(value: unknown): unknown {
  return typeof value === "object" || typeof value === "function" ? "" : value;
}
