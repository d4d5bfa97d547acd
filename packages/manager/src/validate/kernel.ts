import { nearestName, type Ulimit } from "@podkit/core";
import { refuse } from "./problem.js";
import { fieldsOf, integer, listOf, oneOf, type Parse } from "./scalars.js";

const CAPABILITIES: readonly string[] = [
  ..."AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER".split(
    " ",
  ),
  ..."FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE".split(
    " ",
  ),
  ..."NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE".split(
    " ",
  ),
  ..."SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM ALL".split(" "),
];

const capability: Parse<string> = (field, value) => {
  const name = typeof value === "string" ? value.toUpperCase().replace(/^CAP_/, "") : "";
  if (CAPABILITIES.includes(name)) return name;
  const meant = nearestName(name, CAPABILITIES);
  return refuse(
    field,
    value,
    meant === undefined ? "it takes a kernel capability, such as NET_ADMIN" : `did you mean ${meant}`,
  );
};

/** Capabilities to add and to drop, in capitals and without `CAP_`. */
export const capabilities: Parse<{ add: readonly string[]; drop: readonly string[] }> = (field, value) => {
  const given = fieldsOf(field, value, ["add", "drop"]);
  const names = (key: "add" | "drop"): readonly string[] =>
    given[key] === undefined ? [] : [...new Set(listOf(capability)(`${field}.${key}`, given[key]))].sort();
  const add = names("add");
  if (add.includes("ALL")) refuse(`${field}.add`, "ALL", "name each capability; podkit has no privileged containers");
  return { add, drop: names("drop") };
};

const ULIMIT = oneOf(
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
);
const LIMIT = integer(-1, Number.MAX_SAFE_INTEGER, "a limit (-1: none)");

/** A limit of `setrlimit`. */
export const ulimit: Parse<Ulimit> = (field, value) => {
  const given = fieldsOf(field, value, ["name", "soft", "hard"]);
  const name = ULIMIT(`${field}.name`, given["name"]);
  // The agent tells the processes of one command from another's by this limit.
  if (name === "locks") refuse(`${field}.name`, name, "podkit needs this limit itself; leave it out");
  const soft = LIMIT(`${field}.soft`, given["soft"]);
  const hard = LIMIT(`${field}.hard`, given["hard"]);
  if (hard !== -1 && (soft === -1 || soft > hard)) refuse(`${field}.soft`, soft, "it must not be above hard");
  return { name, soft, hard };
};

/** How many GPUs. */
export const gpus: Parse<number | "all"> = (field, value) =>
  value === "all" ? "all" : integer(1, 1_024, 'a number of GPUs or "all"')(field, value);
