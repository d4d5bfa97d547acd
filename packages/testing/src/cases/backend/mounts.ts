import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { collectBytes, countContainers, refused } from "../../conformance/tools.js";
import type { BackendCase } from "../../conformance/types.js";
import { create, output, refusesSpec, run, start, withAgent } from "./tools.js";

/** Mounts and the root filesystem. */
export const mountCases: readonly BackendCase[] = [
  {
    id: "mounts.bind",
    rows: [16],
    title: "row 16: binds are mounted; a read-only one can be read and not written",
    level: "backend",
    needs: ["bindMounts", "localPaths", "linux"],
    async run(context) {
      const folder = await context.tempDir();
      await mkdir(join(folder, "ro"));
      await writeFile(join(folder, "ro", "data"), "from the host");
      const { id } = await start(context, {
        mounts: [{ type: "bind", source: join(folder, "ro"), target: "/data", readOnly: true }],
      });
      await withAgent(context, id, async (agent) => {
        assert.equal((await collectBytes(agent.files.read("/data/data"))).toString(), "from the host");
        assert.notEqual((await run(agent, ["touch", "/data/new"])).exitCode, 0);
        assert.notEqual((await run(agent, ["rm", "/data/data"])).exitCode, 0);
      });
    },
    refuse: refusesSpec({ mounts: [{ type: "bind", source: "/tmp", target: "/data" }] }),
  },
  {
    id: "mounts.bind-missing",
    rows: [16],
    title: "row 16: a bind source that is not there is `not_found`, named, and neither made nor mounted",
    level: "backend",
    needs: ["bindMounts"],
    async run(context) {
      const source = `/no/such/folder/${context.newName()}`;
      const error = await refused(
        () => create(context, { mounts: [{ type: "bind", source, target: "/data" }] }),
        "not_found",
        "invalid_argument",
      );
      assert.ok(error.message.includes(source), error.message);
      assert.equal(await countContainers(context), 0);
    },
  },
  {
    id: "mounts.volume",
    rows: [17],
    title: "row 17: a named volume outlives the container that filled it",
    level: "backend",
    needs: ["namedVolumes", "linux"],
    async run(context) {
      const mounts = [
        {
          type: "volume" as const,
          name: context.newName(),
          target: "/data",
          labels: { "dev.podkit.prefix": context.prefix },
        },
      ];
      const first = await start(context, { mounts });
      await withAgent(context, first.id, (agent) => agent.files.write("/data/kept", "kept"));
      await context.backend.remove(first.id);
      const second = await start(context, { mounts });
      await withAgent(context, second.id, async (agent) =>
        assert.equal((await agent.files.stat("/data/kept")).size, 4),
      );
    },
    refuse: refusesSpec({ mounts: [{ type: "volume", name: "pt-none", target: "/data" }] }),
  },
  {
    id: "mounts.tmpfs",
    rows: [16],
    title: "row 16: a tmpfs has the size that was asked for",
    level: "backend",
    needs: ["tmpfs", "linux"],
    async run(context) {
      const { id } = await start(context, { mounts: [{ type: "tmpfs", target: "/fast", sizeBytes: 4 * 1024 * 1024 }] });
      assert.match(await output(context, id, ["df", "-k", "/fast"]), /\s4096\s/);
    },
    refuse: refusesSpec({ mounts: [{ type: "tmpfs", target: "/fast" }] }),
  },
  {
    id: "mounts.read-only-root",
    rows: [16],
    title: "row 16: with a read-only root nothing of the image can be changed, and the agent works",
    level: "backend",
    needs: ["readOnlyRootfs", "linux"],
    async run(context) {
      const mounts = [{ type: "anonymous" as const, target: "/workspace" }];
      const { id } = await start(context, { readOnlyRootfs: true, mounts });
      await withAgent(context, id, async (agent) => {
        assert.notEqual((await run(agent, ["touch", "/new"])).exitCode, 0);
        assert.equal((await run(agent, ["touch", "/workspace/new"])).exitCode, 0);
      });
    },
    refuse: refusesSpec({ readOnlyRootfs: true }),
  },
  {
    id: "mounts.agent-read-only",
    rows: [39],
    title: "row 39: the agent's binary cannot be changed from inside",
    level: "backend",
    needs: ["linux", "shell"],
    async run(context) {
      const { id } = await start(context);
      await withAgent(context, id, async (agent) => {
        const tried = await run(agent, [
          "/bin/sh",
          "-c",
          "echo x >> /.podkit/bin/podkit-agent || rm -rf /.podkit/bin/podkit-agent",
        ]);
        assert.notEqual(tried.exitCode, 0);
      });
    },
  },
];
