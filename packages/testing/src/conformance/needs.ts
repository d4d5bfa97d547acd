import type { CaseContext, ConformanceCase, Need } from "./types.js";

/** Needs of a case that are not met, in words; empty where it can run. */
export function unmetNeeds(testCase: ConformanceCase<never>, context: CaseContext): string[] {
  return testCase.needs.filter((need) => !isMet(need, context)).map((need) => describeNeed(need, context));
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
