/** Backends that there are tests for. */
const KNOWN = ["docker", "local"] as const;

/** The backends that the run asks for. @throws where a name is unknown: a run that tests nothing must not pass. */
export function askedBackends(): string[] {
  const asked = (process.env["PODKIT_TEST_BACKENDS"] ?? "docker").split(/[\s,]+/).filter((name) => name !== "");
  const unknown = asked.filter((name) => !KNOWN.some((known) => known === name));
  if (unknown.length > 0) {
    throw new Error(`PODKIT_TEST_BACKENDS names ${unknown.join(", ")}; there are tests for ${KNOWN.join(" and ")}.`);
  }
  return asked;
}

/** True where Docker was asked for. */
export function dockerAsked(): boolean {
  return askedBackends().includes("docker");
}

/** True where the local sandbox was asked for. */
export function localAsked(): boolean {
  return askedBackends().includes("local");
}

/** The local sandbox's column in reports: what it can do depends on who runs it. */
export function localName(): string {
  return process.getuid?.() === 0 ? "local" : "local (unprivileged)";
}
