import assert from "node:assert/strict";
import type { BackendCase } from "../../conformance/types.js";
import { output, refusesSpec, start } from "./tools.js";

/** Limits: what the engine keeps is what it says. */
export const limitCases: readonly BackendCase[] = [
  {
    id: "limits.memory",
    rows: [15],
    title: "row 15: a memory limit is in force, as the engine reads it back",
    level: "backend",
    needs: ["memoryLimit"],
    async run(context) {
      const { limits } = await start(context, { limits: { memoryBytes: 96 * 1024 * 1024 } });
      assert.equal(limits.memoryBytes, 96 * 1024 * 1024);
    },
    refuse: refusesSpec({ limits: { memoryBytes: 96 * 1024 * 1024 } }),
  },
  {
    id: "limits.cpu",
    rows: [15],
    title: "row 15: a cpu limit is in force, as the engine reads it back",
    level: "backend",
    needs: ["cpuLimit"],
    async run(context) {
      assert.equal((await start(context, { limits: { cpus: 0.5 } })).limits.cpus, 0.5);
    },
    refuse: refusesSpec({ limits: { cpus: 0.5 } }),
  },
  {
    id: "limits.pids",
    rows: [15],
    title: "row 15: a pids limit is in force, as the engine reads it back",
    level: "backend",
    needs: ["pidsLimit"],
    async run(context) {
      assert.equal((await start(context, { limits: { pids: 99 } })).limits.pids, 99);
    },
    refuse: refusesSpec({ limits: { pids: 99 } }),
  },
  {
    id: "limits.none",
    rows: [15],
    title: "row 15: a limit that was not asked for is not said to be in force",
    level: "backend",
    needs: [],
    async run(context) {
      assert.deepEqual((await start(context)).limits, { cpus: null, memoryBytes: null, pids: null });
    },
  },
  {
    id: "limits.disk",
    rows: [15],
    title: "row 15: a disk limit is taken",
    level: "backend",
    needs: ["diskLimit"],
    async run(context) {
      await start(context, { limits: { diskBytes: 1 << 30 } });
    },
    refuse: refusesSpec({ limits: { diskBytes: 1 << 30 } }),
  },
  {
    id: "limits.shm",
    rows: [15],
    title: "row 15: the size of /dev/shm is as asked",
    level: "backend",
    needs: ["shmSize", "linux"],
    async run(context) {
      const { id } = await start(context, { limits: { shmBytes: 8 * 1024 * 1024 } });
      assert.match(await output(context, id, ["df", "-k", "/dev/shm"]), /\s8192\s/);
    },
    refuse: refusesSpec({ limits: { shmBytes: 8 * 1024 * 1024 } }),
  },
  {
    id: "limits.ulimits",
    rows: [15],
    title: "row 15: ulimits are as asked",
    level: "backend",
    needs: ["ulimits", "linux"],
    async run(context) {
      const { id } = await start(context, { ulimits: [{ name: "nofile", soft: 333, hard: 444 }] });
      assert.match(await output(context, id, ["cat", "/proc/1/limits"]), /Max open files\s+\d+\s+444/);
    },
    refuse: refusesSpec({ ulimits: [{ name: "nofile", soft: 333, hard: 444 }] }),
  },
];
