import type { EventBus, PullProgress } from "podkit";
import type { Io } from "./io.js";

const EVERY_MS = 100;

/** Shows pulls on stderr: one line that is written over in a terminal, else one line for each image. Gives a function that ends it. */
export function showPulls(events: EventBus, stderr: Io["stderr"], now: () => number = Date.now): () => void {
  const display = stderr.isTTY ? new TerminalPulls(stderr, now) : new PlainPulls(stderr);
  const unlisten = events.on("image.pulling", ({ progress }) => display.update(progress));
  return () => {
    unlisten();
    display.end();
  };
}

/** A line for each image, once. */
class PlainPulls {
  readonly #images = new Set<string>();
  readonly #stderr: Io["stderr"];

  constructor(stderr: Io["stderr"]) {
    this.#stderr = stderr;
  }

  update({ image }: PullProgress): void {
    if (this.#images.has(image)) return;
    this.#images.add(image);
    this.#stderr.write(`Pulling ${image}\n`);
  }

  end(): void {}
}

/** Bytes of all layers together, on a line that is written over. */
class TerminalPulls {
  readonly #layers = new Map<string, { current: number; total: number }>();
  readonly #stderr: Io["stderr"];
  readonly #now: () => number;
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(stderr: Io["stderr"], now: () => number) {
    this.#stderr = stderr;
    this.#now = now;
  }

  update(progress: PullProgress): void {
    const { image, layer, status, currentBytes, totalBytes } = progress;
    if (layer !== undefined && totalBytes !== undefined && status.startsWith("Download")) {
      this.#layers.set(layer, { current: currentBytes ?? 0, total: totalBytes });
    }
    if (this.#now() - this.#shownAt < EVERY_MS) return;
    this.#shownAt = this.#now();
    this.#stderr.write(`\r\x1b[K${pullLine(image, status, [...this.#layers.values()], this.#stderr.columns)}`);
  }

  end(): void {
    if (this.#shownAt !== Number.NEGATIVE_INFINITY) this.#stderr.write("\r\x1b[K");
  }
}

/** Such as `Pulling alpine: 12.5 of 40.1 MB`, no wider than the terminal. */
export function pullLine(
  image: string,
  status: string,
  layers: readonly { current: number; total: number }[],
  columns: number,
): string {
  const total = layers.reduce((sum, layer) => sum + layer.total, 0);
  const current = layers.reduce((sum, layer) => sum + Math.min(layer.current, layer.total), 0);
  const what = total === 0 ? status : `${megabytes(current)} of ${megabytes(total)} MB`;
  // What a registry says is not trusted with a terminal.
  return `Pulling ${image}: ${what}`.replace(/\p{Cc}/gu, "").slice(0, Math.max(columns - 1, 20));
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
