/** Ids that one request names at most. */
const AT_ONCE = 64;
/** What is kept at most; the agent forgets the others by itself after twice the grace. */
const MAX_KEPT = 4096;

/** Commands whose end arrived, and whose release goes with the next command: alone it would be a write of its own. */
export class ExecReleases {
  readonly #ids: string[] = [];

  add(id: string): void {
    if (this.#ids.length < MAX_KEPT) this.#ids.push(id);
  }

  /** The value of the header that releases some; undefined where there is none. */
  take(): string | undefined {
    return this.#ids.length === 0 ? undefined : this.#ids.splice(0, AT_ONCE).join(",");
  }
}
