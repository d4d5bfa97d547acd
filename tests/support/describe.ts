import { afterAll, afterEach, describe, it } from "vitest";
import { type DockerSetup, dockerSetup } from "./docker.js";
import { dockerAsked } from "./engines.js";

/** Tests on Docker; where it was not asked for, that is reported in their place. */
export function describeDocker(name: string, body: (setup: DockerSetup) => void): void {
  describe(name, async () => {
    if (!dockerAsked()) {
      it("runs on Docker", ({ skip }) => skip("Docker was not asked for"));
      return;
    }
    const setup = await dockerSetup();
    afterEach(() => setup.sessionContext.clean());
    afterAll(() => setup.close());
    body(setup);
  });
}
