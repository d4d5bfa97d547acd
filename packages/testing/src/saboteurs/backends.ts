import { type Backend, type ByteStream, type ContainerSpec, PodkitError } from "@podkit/core";
import { createPair } from "../memory/pair.js";
import { wrapBackend } from "./wrap.js";

/** A backend with one fault, and the cases that must fail on it. */
export interface Saboteur {
  readonly name: string;
  readonly fails: readonly [string, ...string[]];
  readonly sabotage: (backend: Backend) => Backend;
}

/** A stream whose other side is fed from `inner`; what becomes of its end and its error is the saboteur's. */
function relay(inner: ByteStream, onClose: (outer: ByteStream) => void): ByteStream {
  const [outer, far] = createPair();
  inner.on("data", (chunk) => far.write(chunk));
  far.on("data", (chunk) => inner.write(chunk));
  far.on("end", () => inner.end());
  inner.on("error", () => undefined);
  inner.on("close", () => onClose(outer));
  return outer;
}

/** What is asked for is left out, and nobody is told. */
function dropping(change: (spec: ContainerSpec) => ContainerSpec): (inner: Backend) => Backend {
  return (inner) =>
    wrapBackend(inner, { create: (spec, agent, options) => inner.create(change(spec), agent, options) });
}

/** Backends that do one thing wrong. Each must fail the cases that it names: so the suite is tested itself. */
export const saboteurs: readonly Saboteur[] = [
  {
    name: "an unknown exit turned into 0",
    fails: ["create.facts", "exit.codes"],
    sabotage: (inner) =>
      wrapBackend(inner, {
        inspect: async (id, options) => {
          const info = await inner.inspect(id, options);
          return { ...info, exitCode: info.exitCode ?? 0 };
        },
      }),
  },
  {
    name: "a killed container that ended with 0",
    fails: ["exit.codes"],
    sabotage: (inner) =>
      wrapBackend(inner, {
        inspect: async (id, options) => {
          const info = await inner.inspect(id, options);
          return info.exitCode === 137 ? { ...info, exitCode: 0 } : info;
        },
      }),
  },
  {
    name: "a swallowed stream error",
    fails: ["stream.failure-is-told"],
    sabotage: (inner) =>
      wrapBackend(inner, {
        openStream: async (...args) => relay(await inner.openStream(...args), (outer) => outer.destroy()),
      }),
  },
  {
    name: "a stream that outlives its container",
    fails: ["stream.closes-on-kill"],
    sabotage: (inner) =>
      wrapBackend(inner, { openStream: async (...args) => relay(await inner.openStream(...args), () => undefined) }),
  },
  {
    name: "an ignored abort",
    fails: ["create.abort", "logs.abort"],
    sabotage: (inner) =>
      wrapBackend(inner, {
        create: (spec, agent) => inner.create(spec, agent),
        stop: (id) => inner.stop(id),
        remove: (id) => inner.remove(id),
        logs: (id, options = {}) => inner.logs(id, { tail: options.tail, follow: options.follow }),
      }),
  },
  {
    name: "a dropped limit",
    fails: ["limits.pids"],
    sabotage: dropping((spec) => ({ ...spec, limits: {} })),
  },
  {
    name: "a limit that is said to be kept and is dropped",
    fails: ["limits.memory"],
    sabotage: (inner) =>
      wrapBackend(dropping((spec) => ({ ...spec, limits: {} }))(inner), {}, (real) => ({ ...real, memoryLimit: true })),
  },
  {
    name: "an option that is dropped where it had to be refused",
    fails: ["mounts.read-only-root"],
    sabotage: dropping((spec) => ({ ...spec, readOnlyRootfs: false })),
  },
  {
    name: "a refusal after the deed",
    fails: ["limits.cpu"],
    sabotage: (inner) =>
      wrapBackend(inner, {
        create: async (spec, agent, options) => {
          if (spec.limits.cpus === undefined) return inner.create(spec, agent, options);
          await inner.create({ ...spec, limits: {} }, agent, options);
          throw new PodkitError("unsupported", "There are no cpu limits here.");
        },
      }),
  },
  {
    name: "a name that two containers can have",
    fails: ["create.name-unique", "create.name-race"],
    sabotage: (inner) => {
      let count = 0;
      return wrapBackend(inner, {
        create: async (spec, agent, options) => {
          const made = await inner.create({ ...spec, name: `${spec.name}-${count++}` }, agent, options);
          return { ...made, name: spec.name };
        },
        inspect: async (id, options) => {
          const found = (await inner.list({})).find(({ name }) => name.startsWith(`${id}-`));
          return inner.inspect(found?.id ?? id, options);
        },
      });
    },
  },
  {
    name: "a removal that leaves the container",
    fails: ["remove.gone", "state.idempotent"],
    // What the case made is removed afterwards through the real backend.
    sabotage: (inner) =>
      wrapBackend(inner, { remove: (id, options) => inner.kill(id, options).catch(() => undefined) }),
  },
  {
    name: "a failure of logs that ends as empty",
    fails: ["logs.failure-is-told"],
    sabotage: (inner) =>
      wrapBackend(inner, {
        async *logs(id, options) {
          try {
            yield* inner.logs(id, options);
          } catch {
            // Swallowed: that is the fault.
          }
        },
      }),
  },
  {
    name: "logs that lose their beginning",
    fails: ["logs.whole"],
    sabotage: (inner) =>
      wrapBackend(inner, {
        async *logs(id, options) {
          let first = true;
          for await (const chunk of inner.logs(id, options)) {
            if (!first) yield chunk;
            first = false;
          }
        },
      }),
  },
  {
    name: "the wrong container stopped",
    fails: ["state.only-that-one"],
    sabotage: (inner) =>
      wrapBackend(inner, {
        stop: async (id, options) => {
          const { labels } = await inner.inspect(id);
          const other = (await inner.list({ "dev.podkit.prefix": labels["dev.podkit.prefix"] ?? "" })).find(
            (one) => one.id !== id,
          );
          await inner.stop(other?.id ?? id, options);
        },
      }),
  },
  {
    name: "labels compared by their beginning",
    fails: ["list.labels"],
    sabotage: (inner) =>
      wrapBackend(inner, {
        list: async (labels) =>
          (await inner.list({})).filter((one) =>
            Object.entries(labels).every(([name, value]) => one.labels[name]?.startsWith(value) === true),
          ),
      }),
  },
  {
    name: "a creation that starts at once",
    fails: ["create.facts"],
    sabotage: (inner) =>
      wrapBackend(inner, {
        create: async (spec, agent, options) => {
          const { id } = await inner.create(spec, agent, options);
          await inner.start(id);
          return inner.inspect(id);
        },
      }),
  },
  {
    name: "events that lose the end",
    fails: ["events.order"],
    sabotage: (inner) =>
      wrapBackend(inner, {
        async *events(labels, options) {
          for await (const event of inner.events(labels, options)) if (event.type !== "stopped") yield event;
        },
      }),
  },
];
