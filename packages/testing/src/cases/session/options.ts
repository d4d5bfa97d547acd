import assert from "node:assert/strict";
import type { Capabilities, ContainerConfig } from "@podkit/core";
import type { SessionCase } from "../../conformance/types.js";
import { open, refusesConfig, sh } from "./tools.js";

/** An option, how it is asked for, and what a command then sees. */
interface Option {
  readonly capability: keyof Capabilities;
  readonly config: ContainerConfig;
  readonly script: string;
  readonly shows: RegExp;
}

const CGROUP = "cat /sys/fs/cgroup";

const OPTIONS: readonly Option[] = [
  {
    capability: "cpuLimit",
    config: { cpuLimit: 0.5 },
    script: `${CGROUP}/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null || true`,
    shows: /^50000/,
  },
  {
    capability: "memoryLimit",
    config: { memoryLimit: "96m" },
    script: `${CGROUP}/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null || true`,
    shows: /^100663296$/m,
  },
  {
    capability: "pidsLimit",
    config: { pidsLimit: 100 },
    script: `${CGROUP}/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null || true`,
    shows: /^100$/m,
  },
  { capability: "shmSize", config: { shmSize: "16m" }, script: "df -k /dev/shm", shows: /\s16384\s/ },
  {
    capability: "tmpfs",
    config: { tmpfs: [{ target: "/fast", size: "4m" }] },
    script: "df -k /fast",
    shows: /\s4096\s/,
  },
  {
    capability: "ulimits",
    config: { ulimits: [{ name: "nofile", soft: 500, hard: 500 }] },
    script: "ulimit -n; ulimit -Hn",
    shows: /^500\n500$/m,
  },
  { capability: "dns", config: { dns: ["10.9.8.7"] }, script: "cat /etc/resolv.conf", shows: /nameserver 10\.9\.8\.7/ },
  {
    capability: "extraHosts",
    config: { extraHosts: [{ host: "db.test", address: "10.1.2.3" }] },
    script: "cat /etc/hosts",
    shows: /10\.1\.2\.3\s+db\.test/,
  },
  {
    capability: "readOnlyRootfs",
    config: { readOnlyRootfs: true },
    script: "touch /x 2>&1 || true",
    shows: /[Rr]ead-only/,
  },
  { capability: "diskLimit", config: { diskLimit: "1g" }, script: "df -k /", shows: /\s1048576\s/ },
  { capability: "gpus", config: { gpus: 1 }, script: "ls /dev", shows: /nvidia/ },
];

/** Options that an engine keeps, or refuses: nothing asked for is dropped. */
export const optionCases: readonly SessionCase[] = OPTIONS.map(({ capability, config, script, shows }) => ({
  id: `option.${capability}`,
  rows: [15],
  title: `row 15: ${capability} that was asked for is in force, as seen from inside`,
  level: "session",
  needs: [capability, "linux", "shell"],
  async run(context) {
    assert.match(await sh(await open(context, config), script), shows);
  },
  refuse: refusesConfig(config),
}));
