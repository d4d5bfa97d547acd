/** Gives equal options an equal key. Clients, functions and the like are equal only to themselves. */
export class ConnectionKeys {
  readonly #ids = new WeakMap<object, number>();
  #next = 1;

  key(options: object | undefined): string {
    const entries = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
    return JSON.stringify(entries.map(([name, value]) => [name, this.#part(value)]).sort());
  }

  #part(value: unknown): string {
    if ((typeof value !== "object" || value === null) && typeof value !== "function")
      return `${typeof value}:${String(value)}`;
    const id = this.#ids.get(value) ?? this.#next;
    if (id === this.#next) {
      this.#ids.set(value, id);
      this.#next += 1;
    }
    return `object:${id}`;
  }
}
