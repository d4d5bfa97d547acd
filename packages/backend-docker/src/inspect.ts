import type {
  AppliedLimits,
  ContainerInfo,
  ContainerState,
  ContainerSummary,
  ImageInfo,
  PortBinding,
} from "@podkit/core";
import { platformOf } from "./connect/platform.js";
import { count, type Json, list, record, stringRecord, text, texts, time } from "./parse.js";

const STATES: Readonly<Record<string, ContainerState>> = {
  created: "created",
  running: "running",
  restarting: "running",
  paused: "paused",
};

function state(value: unknown): ContainerState {
  return STATES[text(value)] ?? "stopped";
}

/** The engine's answer to `GET /containers/{id}/json`. */
export function containerInfo(raw: unknown): ContainerInfo {
  const container = record(raw);
  const config = record(container["Config"]);
  const status = record(container["State"]);
  const is = state(status["Status"]);
  const ended = is === "stopped";
  return {
    id: text(container["Id"]),
    name: text(container["Name"]).replace(/^\//, ""),
    state: is,
    labels: stringRecord(config["Labels"]),
    createdAt: time(container["Created"]) ?? 0,
    image: text(config["Image"]),
    startedAt: time(status["StartedAt"]),
    finishedAt: ended ? time(status["FinishedAt"]) : null,
    exitCode: ended && typeof status["ExitCode"] === "number" ? status["ExitCode"] : null,
    error: text(status["Error"]),
    ports: portsOf(container),
    limits: limitsOf(record(container["HostConfig"])),
    networks: networksOf(container),
  };
}

/** Limits as the engine keeps them: 0 and -1 mean none. */
function limitsOf(host: Json): AppliedLimits {
  const positive = (value: unknown): number | null => (count(value) > 0 ? count(value) : null);
  const nano = positive(host["NanoCpus"]);
  const quota = positive(host["CpuQuota"]);
  const period = positive(host["CpuPeriod"]) ?? 100_000;
  return {
    cpus: nano !== null ? nano / 1e9 : quota === null ? null : quota / period,
    memoryBytes: positive(host["Memory"]),
    pids: positive(host["PidsLimit"]),
  };
}

// A container that does not run has no ports in force: what it was made with is told then.
function portsOf(container: Json): PortBinding[] {
  const inForce = bindings(record(record(container["NetworkSettings"])["Ports"]));
  return inForce.length > 0 ? inForce : bindings(record(record(container["HostConfig"])["PortBindings"]));
}

function bindings(ports: Json): PortBinding[] {
  return Object.entries(ports).flatMap(([key, at]) => {
    const [port = "", protocol] = key.split("/");
    return list(at).map((item): PortBinding => {
      const { HostIp, HostPort } = record(item);
      return {
        container: Number(port),
        host: Number(text(HostPort)),
        address: text(HostIp),
        protocol: protocol === "udp" ? "udp" : "tcp",
      };
    });
  });
}

function networksOf(container: Json): Record<string, string | null> {
  const networks = Object.entries(record(record(container["NetworkSettings"])["Networks"]));
  return Object.fromEntries(networks.map(([name, at]) => [name, text(record(at)["IPAddress"]) || null]));
}

/** An item of the engine's answer to `GET /containers/json`. */
export function containerSummary(raw: unknown): ContainerSummary {
  const container = record(raw);
  return {
    id: text(container["Id"]),
    name: text(list(container["Names"])[0]).replace(/^\//, ""),
    state: state(container["State"]),
    labels: stringRecord(container["Labels"]),
    createdAt: count(container["Created"]) * 1000,
  };
}

/** The engine's answer to `GET /images/{name}/json`. */
export function imageInfo(raw: unknown): ImageInfo {
  const image = record(raw);
  const config = record(image["Config"]);
  return {
    id: text(image["Id"]),
    platform: platformOf(text(image["Os"]), text(image["Architecture"])),
    user: text(config["User"]),
    entrypoint: texts(config["Entrypoint"]),
    command: texts(config["Cmd"]),
    environment: Object.fromEntries(texts(config["Env"]).map(splitEnv)),
    workingDir: text(config["WorkingDir"]),
    stopSignal: text(config["StopSignal"]) || null,
  };
}

function splitEnv(line: string): [string, string] {
  const at = line.indexOf("=");
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
}
