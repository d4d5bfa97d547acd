import assert from "node:assert/strict";
import type { BackendCase } from "../../conformance/types.js";
import { create, output, refusesSpec, start } from "./tools.js";

/** What holds a container in. */
export const securityCases: readonly BackendCase[] = [
  {
    id: "security.capabilities",
    rows: [],
    title: "PID 1 has the capabilities of the spec and no other",
    level: "backend",
    needs: ["capabilityChanges", "linux"],
    async run(context) {
      const { id } = await start(context, { capabilities: ["CHOWN", "KILL", "SETUID", "SETGID", "DAC_OVERRIDE"] });
      const bounding = /CapBnd:\s+([0-9a-f]+)/.exec(await output(context, id, ["cat", "/proc/1/status"]))?.[1];
      const bits = [0, 1, 5, 6, 7].reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
      assert.equal(BigInt(`0x${bounding}`), bits);
    },
  },
  {
    id: "security.no-new-privileges",
    rows: [],
    title: "nothing inside gains privileges",
    level: "backend",
    needs: ["noNewPrivileges", "linux"],
    async run(context) {
      const { id } = await start(context);
      assert.match(await output(context, id, ["cat", "/proc/1/status"]), /NoNewPrivs:\s+1/);
    },
    refuse: refusesSpec({ noNewPrivileges: true }),
  },
  {
    id: "security.runtime",
    rows: [],
    title: "a runtime that the engine does not have is refused before anything is made",
    level: "backend",
    needs: [],
    run: refusesSpec({ runtime: "pt-no-such-runtime" }),
  },
  {
    id: "security.gpus",
    rows: [],
    title: "GPUs are taken",
    level: "backend",
    needs: ["gpus"],
    async run(context) {
      await create(context, { gpus: 1 });
    },
    refuse: refusesSpec({ gpus: 1 }),
  },
];
