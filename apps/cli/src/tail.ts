import { PodkitError } from "podkit";

/** @throws `invalid_argument` where it is no count of lines. */
export function checkTail(text: string | undefined): number | undefined {
  if (text === undefined || text === "all") return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new PodkitError(
    "invalid_argument",
    `--tail ${JSON.stringify(text)} cannot be used: it takes a number of lines, or all.`,
    { details: { field: "--tail" } },
  );
}
