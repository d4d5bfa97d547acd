import type { ImageInfo } from "@podkit/core";
import { BUSYBOX_PROGRAMS, CRASH_PROGRAMS, type Program, STATIC_PROGRAMS } from "./agent/programs.js";

/** An image of the fake engine. */
export interface MemoryImage {
  readonly info: ImageInfo;
  /** Its programs by path. */
  readonly programs: Readonly<Record<string, Program>>;
  /** Milliseconds that a pull takes. Absent: it is there already. */
  readonly pullMs?: number;
}

function image(name: string, command: readonly string[], programs: Readonly<Record<string, Program>>): MemoryImage {
  const info = {
    id: `memory:${name}`,
    platform: "linux/amd64",
    user: "",
    entrypoint: [],
    command,
    environment: {},
    workingDir: "",
    stopSignal: null,
  };
  return { info, programs };
}

/** The images of a fake engine where none are given: `memory/busybox`, `memory/static`, `memory/crash`. */
export function memoryImages(): Map<string, MemoryImage> {
  return new Map([
    ["memory/busybox", image("busybox", ["/bin/true"], BUSYBOX_PROGRAMS)],
    ["memory/static", image("static", ["/hello", "hello"], STATIC_PROGRAMS)],
    ["memory/crash", image("crash", ["/crash"], CRASH_PROGRAMS)],
  ]);
}
