import assert from "node:assert/strict";
import { countContainers, image, refused } from "../../conformance/tools.js";
import type { BackendCase } from "../../conformance/types.js";
import { create } from "./tools.js";

/** Images: found, looked into, missing. */
export const imageCases: readonly BackendCase[] = [
  {
    id: "image.ensure",
    rows: [],
    title: "an image that is there is ensured without a pull, and tells what it is",
    level: "backend",
    needs: ["images"],
    async run(context) {
      const found = await context.backend.ensureImage({ image: image(context, "busybox"), pullPolicy: "never" });
      assert.match(found.platform, /^[a-z]+\/[a-z0-9]+/);
      assert.notEqual(found.id, "");
    },
  },
  {
    id: "image.missing",
    rows: [30],
    title: "row 30: an image that is not there is `not_found` and named, and nothing is made",
    level: "backend",
    needs: ["images"],
    async run(context) {
      const missing = "podkit-test/no-such-image:1";
      const error = await refused(
        () => context.backend.ensureImage({ image: missing, pullPolicy: "never" }),
        "not_found",
      );
      assert.ok(error.message.includes(missing), error.message);
      const made = await refused(() => create(context, { image: missing }), "not_found");
      assert.ok(made.message.includes(missing), made.message);
      assert.equal(await countContainers(context), 0);
    },
  },
  {
    id: "image.inspect",
    rows: [5, 10],
    title: "rows 5, 10: an image tells its user, entrypoint, command, environment and folder",
    level: "backend",
    needs: ["imageInspect", "image:user", "image:static"],
    async run(context) {
      const user = await context.backend.inspectImage(image(context, "user"));
      assert.equal(user.user, "app");
      assert.deepEqual(user.entrypoint, ["/bin/sh", "-c"]);
      assert.deepEqual(user.command, ["echo program-started; sleep 1000"]);
      assert.equal(user.workingDir, "/srv");
      assert.equal(user.environment["IMAGE_VAR"], "from-image");
      const plain = await context.backend.inspectImage(image(context, "static"));
      assert.deepEqual([plain.user, plain.entrypoint, plain.command], ["", [], ["/hello", "hello"]]);
    },
    async refuse(context) {
      await refused(() => context.backend.inspectImage("podkit-test/busybox:1"), "unsupported");
    },
  },
];
