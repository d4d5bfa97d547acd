import type { AgentStatus } from "@podkit/agent";
import {
  type ExecExit,
  type ExecHandle,
  type ExecSpec,
  type FileInfo,
  type FileSystem,
  PodkitError,
  type ProcessInfo,
  type ProcessTable,
} from "@podkit/core";
import type { AgentFactory, AgentPort } from "../../src/agent-port.js";
import type { FakeContainer, FakeEngine } from "./engine.js";

const EXIT: ExecExit = {
  exitCode: 0,
  signal: null,
  timedOut: false,
  truncated: false,
  oomKilled: false,
  durationMs: 1,
};

/** Clients of fake agents: what they run ends at once with 0, but `sleep`, which runs until its container ends, and `stuck`, whose tree stays. */
export function fakeAgents(engine: FakeEngine): AgentFactory {
  return ({ link }): AgentPort => {
    engine.agents += 1;
    const gone = new Set<(error: PodkitError) => void>();
    let container: FakeContainer | undefined;
    let closed = false;
    const lost = (started: boolean): PodkitError =>
      new PodkitError("exec_lost", "The container ended.", { retryable: !started });
    const requireRunning = (): FakeContainer => {
      if (closed || container?.state !== "running") throw lost(false);
      container.activity += 1;
      return container;
    };
    const onEnd = (): void => {
      // As in life: the engine is asked first, so that the news comes a little after the end.
      setImmediate(() => {
        for (const listener of gone) listener(lost(true));
      });
    };
    return {
      async connect(options = {}) {
        const signal = options.signal ?? new AbortController().signal;
        const stream = await link.open({ signal });
        stream.destroy();
        container = "containerId" in stream ? engine.containers.get(String(stream.containerId)) : undefined;
        container?.onEnd.add(onEnd);
        if (container !== undefined) engine.onConnected(container);
        return {};
      },
      async exec(spec: ExecSpec): Promise<ExecHandle> {
        const inside = requireRunning();
        const ending =
          spec.argv[0] === "sleep"
            ? until(inside, lost(true))
            : spec.argv[0] === "stuck"
              ? stuck()
              : Promise.resolve(EXIT);
        ending.catch(() => undefined);
        return {
          pid: 7,
          writeStdin: async () => void requireRunning(),
          closeStdin: async () => undefined,
          // Fine after the end, as in life.
          kill: async () => {
            if (spec.argv[0] === "sleep") requireRunning();
          },
          resize: async () => undefined,
          wait: () => ending,
        };
      },
      files: files(requireRunning),
      processes: processes(requireRunning),
      async listPorts() {
        requireRunning();
        return [];
      },
      async status(): Promise<AgentStatus> {
        const activity = container?.activity ?? 0;
        return {
          instance: "i",
          now: 10,
          startedAt: 5,
          lastActivityAt: 5 + activity,
          lifetimeMs: null,
          running: { execs: 0, processes: 0 },
          program: null,
          idleAt: null,
        };
      },
      async shutdown() {
        engine.end(requireRunning(), 91);
      },
      onGone(listener) {
        gone.add(listener);
        return () => gone.delete(listener);
      },
      suspend: () => undefined,
      resumeLink: () => undefined,
      async close() {
        closed = true;
        container?.onEnd.delete(onEnd);
      },
    };
  };
}

function until(container: FakeContainer, error: PodkitError): Promise<ExecExit> {
  return new Promise((_, reject) => container.onEnd.add(() => setTimeout(() => reject(error), 5)));
}

function stuck(): Promise<ExecExit> {
  return Promise.reject(new PodkitError("internal", "alive", { details: { reason: "tree_alive" } }));
}

const unused = (): never => {
  throw new Error("not used in these tests");
};

function files(requireRunning: () => FakeContainer): FileSystem {
  const info = (path: string): FileInfo => ({
    path,
    name: path,
    type: "file",
    size: 0,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeMs: 0,
  });
  return {
    async *read() {
      const container = requireRunning();
      const ended = new Promise<void>((resolve) => container.onEnd.add(() => setTimeout(resolve, 5)));
      yield Buffer.from("first");
      await ended;
      throw new PodkitError("unavailable", "The stream was cut.");
    },
    async write(path) {
      requireRunning();
      return info(path);
    },
    async stat(path) {
      requireRunning();
      return info(path);
    },
    async list() {
      requireRunning();
      return [];
    },
    mkdir: unused,
    rename: unused,
    remove: unused,
    readTar: unused,
    writeTar: unused,
    watch: unused,
  };
}

function processes(requireRunning: () => FakeContainer): ProcessTable {
  return {
    start: unused,
    async list(): Promise<ProcessInfo[]> {
      requireRunning();
      return [];
    },
    get: unused,
    logs: unused,
    wait: unused,
    signal: unused,
    stop: unused,
    remove: unused,
  };
}
