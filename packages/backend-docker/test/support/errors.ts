import { PodkitError } from "@podkit/core";

/** The error that a call throws. */
export function errorIn(call: () => unknown): PodkitError {
  try {
    call();
  } catch (error) {
    if (error instanceof PodkitError) return error;
    throw error;
  }
  throw new Error("expected a PodkitError");
}
