import type { Io } from "../../src/io.js";

/** Streams that remember what was written. */
export interface FakeIo extends Io {
  readonly written: { stdout: string; stderr: string };
}

export function fakeIo(facts: { readonly isTTY?: boolean; readonly columns?: number } = {}): FakeIo {
  const written = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr"): Io["stdout"] =>
    Object.create(process.stdout, {
      write: {
        value: (text: string) => {
          written[name] += text;
          return true;
        },
      },
      isTTY: { value: facts.isTTY ?? false },
      columns: { value: facts.columns ?? 80 },
    });
  return { stdin: process.stdin, stdout: stream("stdout"), stderr: stream("stderr"), env: {}, written };
}
