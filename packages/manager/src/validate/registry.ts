import type { RegistryAuth } from "@podkit/core";
import { refuse } from "./problem.js";
import { fieldsOf, type Parse } from "./scalars.js";

/** A login for a registry, or a function that finds one. No value of it ever stands in a message. */
export const registryAuth: Parse<RegistryAuth> = (field, value) => {
  if (isFinder(value)) return value;
  const given = fieldsOf(field, value, ["username", "password", "serverAddress"]);
  const { username, password, serverAddress } = given;
  const right = "it takes { username, password, serverAddress? }, all texts, or a function";
  if (typeof username !== "string" || typeof password !== "string") return refuse(field, "(a login)", right);
  if (serverAddress === undefined) return { username, password };
  return typeof serverAddress === "string" ? { username, password, serverAddress } : refuse(field, "(a login)", right);
};

function isFinder(value: unknown): value is Extract<RegistryAuth, (registry: string) => unknown> {
  return typeof value === "function";
}
