import { type ErrorCode, PodkitError } from "@podkit/core";

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not_found",
  EACCES: "permission_denied",
  EPERM: "permission_denied",
  EROFS: "permission_denied",
  EEXIST: "already_exists",
  ENOTEMPTY: "already_exists",
  ENOTDIR: "invalid_state",
  EISDIR: "invalid_state",
  ELOOP: "invalid_state",
  ENOSPC: "resource_exhausted",
  EDQUOT: "resource_exhausted",
  EMFILE: "resource_exhausted",
  ENAMETOOLONG: "invalid_argument",
};

/** A failure of this machine's own files as podkit's error; podkit's own are given back as they are. */
export function hostError(doing: string, error: unknown): PodkitError {
  if (PodkitError.is(error)) return error;
  const errno = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  const words = error instanceof Error ? error.message : String(error);
  return new PodkitError(CODES[errno] ?? "internal", `${doing} failed on this machine: ${words}.`, {
    cause: error,
    details: errno === "" ? {} : { errno },
  });
}
