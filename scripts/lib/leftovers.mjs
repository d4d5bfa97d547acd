// What the local sandbox could leave on a machine: processes, mounts, cgroups, sockets, network namespaces, folders.
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Kinds of things, each as `key: what it is`; a key is the same thing in two looks. @typedef {Record<string, Record<string, string>>} Look */

const PROGRAMS = /^(bwrap|pasta|passt|slirp4netns|podkit-agent)/;
const OURS = /^(pt-|podkit)/;
/** Folders that stay: those of the scripts themselves, and the one that holds the sandboxes' state. */
const STAYS = /^(podkit-engines-|podkit$)/;
/** Part of the path of every state folder. */
const STATE = "/podkit/local/";
const ENGINES = /docker|containerd|libpod|kubepods/;

/**
 * Looks at the machine.
 * @param {{ folders: readonly string[], states: readonly string[] }} where folders for temporary things, and `…/podkit/local` folders
 * @returns {Look}
 */
export function look({ folders, states }) {
  const processes = suspects(allProcesses(), states);
  const temporary = folders.flatMap(entries).filter(({ name }) => OURS.test(name) && !STAYS.test(name));
  return {
    process: Object.fromEntries(
      processes.map(({ pid, start, line }) => [`${pid} ${start}`, `${pid} ${line.slice(0, 160)}`]),
    ),
    mount: named(mounts()),
    cgroup: named(cgroups("/sys/fs/cgroup", 6)),
    socket: named(sockets()),
    "network namespace": networks(processes),
    folder: named([...temporary, ...states.flatMap(contents)].map(({ path }) => path)),
  };
}

/**
 * What is there now and was not before, a line each.
 * @param {Look} before
 * @param {Look} now
 */
export function leftovers(before, now) {
  return Object.entries(now).flatMap(([kind, things]) =>
    Object.entries(things).flatMap(([key, what]) => (key in (before[kind] ?? {}) ? [] : [`${kind}: ${what}`])),
  );
}

/** @param {readonly string[]} keys */
const named = (keys) => Object.fromEntries(keys.map((key) => [key, key]));

/** @param {string} path */
function text(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // Gone meanwhile, or not ours to see.
  }
}

/** @param {string} path */
function link(path) {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** @param {string} folder */
function entries(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => ({ name, path: join(folder, name) }));
}

/** Everything below a state folder that belongs to a container or is about to. The agents' binaries are kept. @param {string} state */
const contents = (state) => ["containers", "volumes", "making", "trash"].flatMap((name) => entries(join(state, name)));

/** @typedef {{ pid: string, parent: string, start: string, name: string, line: string, exe: string, cgroup: string, inside: string }} Process */

function allProcesses() {
  const host = link("/proc/self/ns/mnt");
  /** @type {Map<string, Process>} */
  const all = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const stat = text(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (stat === "" || fields[0] === "Z") continue;
    const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    const line = text(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() || `[${name}]`;
    const mnt = link(`/proc/${pid}/ns/mnt`);
    // What a sandbox has mounted tells whose it is, whatever runs in it.
    const inside = mnt === "" || mnt === host ? "" : text(`/proc/${pid}/mountinfo`);
    const [parent = "", start = ""] = [fields[1], fields[19]];
    const exe = link(`/proc/${pid}/exe`);
    all.set(pid, { pid, parent, start, name, line, exe, cgroup: text(`/proc/${pid}/cgroup`), inside });
  }
  return all;
}

/**
 * Sandboxes' processes, but for those of which one can see that they belong to an engine or to another state folder.
 * @param {Map<string, Process>} all
 * @param {readonly string[]} states
 */
function suspects(all, states) {
  return [...all.values()].filter((one) => {
    if (ENGINES.test(one.cgroup)) return false;
    const words = ancestry(one, all)
      .map(({ exe, line, inside }) => `${exe} ${line} ${inside}`)
      .join(" ");
    if (words.includes(STATE)) return states.some((state) => words.includes(mark(state)));
    return PROGRAMS.test(one.name) || PROGRAMS.test(one.exe.split("/").at(-1) ?? "");
  });
}

/**
 * The end of a path from the run's own folder on: what is mounted is told by its path in its filesystem, which may begin anywhere.
 * @param {string} state
 */
function mark(state) {
  const parts = state.split("/");
  const own = parts.findLastIndex((part) => /^(pt|podkit)-/.test(part));
  return own === -1 ? state : parts.slice(own).join("/");
}

/**
 * A process and those above it, up to a shell or the like.
 * @param {Process} process
 * @param {Map<string, Process>} all
 */
function ancestry(process, all) {
  const chain = [process];
  for (let parent = all.get(process.parent); parent !== undefined; parent = all.get(parent.parent)) {
    if (!PROGRAMS.test(parent.name) || chain.length > 20) break;
    chain.push(parent);
  }
  return chain;
}

/** Mount points of this machine, as far as this program sees it. */
function mounts() {
  const points = text("/proc/self/mountinfo")
    .split("\n")
    .flatMap((line) => line.split(" ")[4] ?? []);
  return points.filter((path) => path.split("/").some((part) => OURS.test(part)));
}

/** @param {string} folder @param {number} depth @returns {string[]} */
function cgroups(folder, depth) {
  if (depth === 0 || !existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory() || ENGINES.test(entry.name)) return [];
    const path = join(folder, entry.name);
    // The folder `podkit` itself stays; what lies in it does not.
    const here = entry.name !== "podkit" && (OURS.test(entry.name) || folder.endsWith("/podkit")) ? [path] : [];
    return [...here, ...cgroups(path, depth - 1)];
  });
}

/** Sockets with a path of ours; those without one belong to a process that is found by itself. */
function sockets() {
  const paths = text("/proc/net/unix")
    .split("\n")
    .slice(1)
    .flatMap((line) => line.trim().split(/\s+/)[7] ?? []);
  return paths.filter((path) => path.includes(STATE) || /^@podkit/.test(path));
}

/** @param {readonly Process[]} processes */
function networks(processes) {
  const host = link("/proc/self/ns/net");
  const held = processes.map(({ pid, line }) => [link(`/proc/${pid}/ns/net`), `held by ${pid} ${line.slice(0, 100)}`]);
  return Object.fromEntries(
    held.filter(([name]) => name !== "" && name !== host).map(([name = "", by]) => [name, `${name} ${by}`]),
  );
}
