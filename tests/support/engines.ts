/** The backends that the run asks for. @throws where a name is unknown: a run that tests nothing must not pass. */
export function askedBackends(): string[] {
  const asked = (process.env["PODKIT_TEST_BACKENDS"] ?? "docker").split(/[\s,]+/).filter((name) => name !== "");
  const unknown = asked.filter((name) => name !== "docker");
  if (unknown.length > 0) {
    throw new Error(`PODKIT_TEST_BACKENDS names ${unknown.join(", ")}; there are tests for docker alone.`);
  }
  return asked;
}

/** True where Docker was asked for. */
export function dockerAsked(): boolean {
  return askedBackends().includes("docker");
}
