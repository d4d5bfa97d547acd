import type { SessionCase } from "../../conformance/types.js";
import { commandCases } from "./commands.js";
import { fileCases } from "./files.js";
import { hostileCases } from "./hostile.js";
import { identityCases } from "./identity.js";
import { inputCases } from "./input.js";
import { lifetimeCases } from "./lifetime.js";
import { optionCases } from "./options.js";
import { streamCases } from "./streams.js";
import { surroundingCases } from "./surroundings.js";

/** Everything that sessions must do on any backend. */
export const sessionCases: readonly SessionCase[] = [
  ...commandCases,
  ...streamCases,
  ...fileCases,
  ...lifetimeCases,
  ...identityCases,
  ...surroundingCases,
  ...optionCases,
  ...hostileCases,
  ...inputCases,
];
