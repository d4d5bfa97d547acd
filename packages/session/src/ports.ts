import {
  abortedError,
  type CallOptions,
  type Clock,
  type ListeningPort,
  PodkitError,
  quote,
  type Sandbox,
  type SessionPorts,
  type Timer,
  throwIfAborted,
  timeoutError,
} from "@podkit/core";
import { parseTimeout } from "@podkit/processes";

const WAIT_TIMEOUT_MS = 30_000;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;
const SCHEME = /^[a-z][a-z0-9+.-]{0,31}$/;

/** What {@link Ports} is made of. */
export interface PortsParts {
  /** @throws `invalid_state` where the session was closed. */
  readonly sandbox: () => Pick<Sandbox, "listPorts" | "endpoint">;
  readonly clock: Clock;
}

/** Ports of one session. */
export class Ports implements SessionPorts {
  readonly #sandbox: PortsParts["sandbox"];
  readonly #clock: Clock;

  constructor(parts: PortsParts) {
    this.#sandbox = parts.sandbox;
    this.#clock = parts.clock;
  }

  /** TCP ports that something in the container listens on. */
  async list(options?: CallOptions): Promise<ListeningPort[]> {
    return this.#sandbox().listPorts(options);
  }

  /** Where a published port is reached, such as `http://127.0.0.1:32768`. @throws `not_found` where it is not published. */
  async url(port: number, options: CallOptions & { readonly protocol?: string | undefined } = {}): Promise<string> {
    checkPort(port);
    const { protocol = "http", signal } = options;
    if (!SCHEME.test(protocol)) {
      throw new PodkitError(
        "invalid_argument",
        `protocol ${quote(protocol)} cannot be used: it takes a URL's scheme, such as "https".`,
        { details: { field: "protocol" } },
      );
    }
    const endpoint = await this.#sandbox().endpoint(port, { signal, protocol: protocol === "udp" ? "udp" : "tcp" });
    const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
    return `${protocol}://${host}:${endpoint.port}`;
  }

  /** Settles once something in the container listens on the port. @throws `timeout` after `timeoutMs` (default 30 000). */
  async waitFor(port: number, options: CallOptions & { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    checkPort(port);
    const timeoutMs = parseTimeout("timeoutMs", options.timeoutMs ?? WAIT_TIMEOUT_MS);
    const doing = `Waiting for something to listen on port ${port}`;
    throwIfAborted(doing, options.signal);
    const controller = new AbortController();
    const onAbort = (): void => controller.abort(abortedError(doing, options.signal?.reason));
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const timer = this.#clock.after(timeoutMs, () => controller.abort(timeoutError(doing, timeoutMs)), { hold: true });
    try {
      await this.#poll(port, controller.signal);
    } finally {
      timer.cancel();
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  async #poll(port: number, signal: AbortSignal): Promise<void> {
    let timer: Timer | undefined;
    const ended = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    ended.catch(() => undefined);
    try {
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
        const ports = await Promise.race([this.#sandbox().listPorts({ signal }), ended]);
        if (ports.some((listening) => listening.port === port)) return;
        const pause = new Promise<void>((resolve) => {
          timer = this.#clock.after(pauseMs, resolve, { hold: true });
        });
        await Promise.race([pause, ended]);
      }
    } finally {
      timer?.cancel();
    }
  }
}

function checkPort(port: unknown): void {
  if (typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535) return;
  throw new PodkitError(
    "invalid_argument",
    `port ${quote(port)} cannot be used: it takes a whole number from 1 to 65535.`,
    { details: { field: "port" } },
  );
}
