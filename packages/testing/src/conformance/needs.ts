import type { CaseContext, ConformanceCase, Need } from "./types.js";

/** What a case lacks here. */
export interface Missing {
  /** In words; empty where the case can run. */
  readonly reason: string;
  /** True where a capability of the engine is missing: then asking for it must be refused. */
  readonly refusable: boolean;
}

/** Needs of a case that are not met. */
export function missingOf(testCase: ConformanceCase<never>, context: CaseContext): Missing {
  const missing = testCase.needs.filter((need) => !isMet(need, context));
  return {
    reason: missing.map((need) => describeNeed(need, context)).join("; "),
    refusable: missing.some((need) => need.startsWith("networkMode:") || need in context.backend.capabilities),
  };
}

function isMet(need: Need, context: CaseContext): boolean {
  const feature = Object.entries(context.features).find(([name]) => name === need);
  if (feature !== undefined) return feature[1];
  if (need.startsWith("image:"))
    return Object.entries(context.images).some(([name, image]) => need === `image:${name}` && image !== undefined);
  const { capabilities } = context.backend;
  if (need.startsWith("networkMode:")) return capabilities.networkModes.some((mode) => need === `networkMode:${mode}`);
  const capability = Object.entries(capabilities).find(([name]) => name === need)?.[1];
  return Array.isArray(capability) ? capability.length > 0 : capability === true;
}

function describeNeed(need: Need, context: CaseContext): string {
  if (need.startsWith("image:")) return `there is no image for ${need.slice("image:".length)}`;
  if (need in context.features) return `there is no ${need} here`;
  return `${context.backend.name} says ${need}: false`;
}
