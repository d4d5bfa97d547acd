import type { Backend, Capabilities } from "@podkit/core";

/** A backend that does what another does, but for the methods that are given. */
export function wrapBackend(
  inner: Backend,
  overrides: Partial<Omit<Backend, "capabilities">>,
  changeCapabilities: (capabilities: Capabilities) => Capabilities = (same) => same,
): Backend {
  return {
    specVersion: inner.specVersion,
    name: inner.name,
    get capabilities() {
      return changeCapabilities(inner.capabilities);
    },
    connect: (options) => inner.connect(options),
    close: () => inner.close(),
    ensureImage: (request, options) => inner.ensureImage(request, options),
    inspectImage: (image, options) => inner.inspectImage(image, options),
    create: (spec, agent, options) => inner.create(spec, agent, options),
    start: (id, options) => inner.start(id, options),
    stop: (id, options) => inner.stop(id, options),
    kill: (id, options) => inner.kill(id, options),
    pause: (id, options) => inner.pause(id, options),
    unpause: (id, options) => inner.unpause(id, options),
    remove: (id, options) => inner.remove(id, options),
    inspect: (id, options) => inner.inspect(id, options),
    list: (labels, options) => inner.list(labels, options),
    logs: (id, options) => inner.logs(id, options),
    stats: (id, options) => inner.stats(id, options),
    events: (labels, options) => inner.events(labels, options),
    openStream: (id, argv, options) => inner.openStream(id, argv, options),
    endpoint: (id, port, options) => inner.endpoint(id, port, options),
    ...overrides,
  };
}
