import { FRAME } from "../../src/frames.js";
import type { FakeExec } from "./fake-agent.js";
import { exit, started, stderr, stdinAck, stdout } from "./frames.js";

/** What it writes, where given after the end of its stdin. */
export interface FakeOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly waitForStdin?: boolean;
}

/** A command that a good agent holds until its release: any number of streams may attach to it, one after another. */
export class FakeCommand {
  readonly stdin: Buffer[] = [];
  /** Offsets that each stream asked for. */
  readonly attached: { stdout: number; stderr: number }[] = [];
  readonly controls: string[] = [];
  readonly output: FakeOutput;
  #taken = 0;
  #eof = false;

  constructor(output: FakeOutput) {
    this.output = output;
  }

  readonly serve = async (exec: FakeExec): Promise<void> => {
    const spec = await exec.next();
    if (spec === undefined) return;
    const { stdout: out, stderr: err } = JSON.parse(String(spec.payload)) as { stdout: number; stderr: number };
    this.attached.push({ stdout: out, stderr: err });
    exec.send(started({ stdin: this.#taken }));
    if (this.output.waitForStdin === true) await this.#takeStdin(exec);
    if (this.output.waitForStdin === true && !this.#eof) return;
    this.#answer(exec, out, err);
    while ((await exec.next()) !== undefined);
    exec.stream.end();
  };

  #answer(exec: FakeExec, out: number, err: number): void {
    const { stdout: o, stderr: e } = this.output;
    for (let at = out; at < o.length; at += 7) exec.send(stdout(at, o.slice(at, at + 7)));
    for (let at = err; at < e.length; at += 5) exec.send(stderr(at, e.slice(at, at + 5)));
    exec.send(exit({ stdoutBytes: o.length, stderrBytes: e.length }));
  }

  async #takeStdin(exec: FakeExec): Promise<void> {
    for (let frame = await exec.next(); frame !== undefined; frame = await exec.next()) {
      if (frame.type === FRAME.stdin) this.#take(exec, frame.payload);
      else if (frame.type === FRAME.stdinEof) this.#eof = Number(frame.payload.readBigUInt64BE()) === this.#taken;
      else this.controls.push(`${frame.type}:${frame.payload}`);
      if (this.#eof) return;
    }
  }

  #take(exec: FakeExec, payload: Buffer): void {
    const offset = Number(payload.readBigUInt64BE());
    if (offset > this.#taken) throw new Error(`a gap in stdin: ${offset} after ${this.#taken}`);
    const bytes = payload.subarray(8 + this.#taken - offset);
    this.stdin.push(Buffer.from(bytes));
    this.#taken += bytes.length;
    exec.send(stdinAck(this.#taken));
  }
}
