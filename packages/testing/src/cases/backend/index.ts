import type { BackendCase } from "../../conformance/types.js";
import { imageCases } from "./images.js";
import { lifecycleCases } from "./lifecycle.js";
import { limitCases } from "./limits.js";
import { mountCases } from "./mounts.js";
import { networkCases } from "./networks.js";
import { processCases } from "./processes.js";
import { securityCases } from "./security.js";
import { streamCases } from "./streams.js";

/** Everything that a backend must do. */
export const backendCases: readonly BackendCase[] = [
  ...lifecycleCases,
  ...streamCases,
  ...processCases,
  ...imageCases,
  ...limitCases,
  ...mountCases,
  ...networkCases,
  ...securityCases,
];
