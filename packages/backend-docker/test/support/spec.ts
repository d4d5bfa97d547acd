import { createHash } from "node:crypto";
import { AGENT_PATH, type AgentSource, type ContainerSpec } from "@podkit/core";

/** An image of scripts/images.sh with busybox in it. */
export const IMAGE = "podkit-test/busybox:1";

/** An agent that only runs what it is given: what a backend does with it is the same. */
export function scriptAgent(version: string, padding = 3_000_000): AgentSource {
  const binary = Buffer.from(`#!/bin/sh\nexec "$@"\n#${"x".repeat(padding)}\n`);
  const sha = createHash("sha256").update(binary).update(version).digest("hex");
  return { version, sha256: async () => sha, binary: async () => binary };
}

/** A spec whose PID 1 is the agent, sleeping. */
export function specOf(name: string, change: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    name,
    labels: { "dev.podkit.test": name },
    image: IMAGE,
    argv: [AGENT_PATH, "sleep", "1000"],
    environment: {},
    user: "0:0",
    mounts: [],
    ports: [],
    networks: [],
    limits: {},
    ulimits: [],
    dns: [],
    extraHosts: [],
    readOnlyRootfs: false,
    capabilities: ["CHOWN", "DAC_OVERRIDE", "KILL"],
    noNewPrivileges: true,
    tty: false,
    stdinOpen: false,
    autoRemove: false,
    ...change,
  };
}
