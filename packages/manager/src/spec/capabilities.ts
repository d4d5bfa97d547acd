/** Kernel capabilities that ordinary images need; all others are dropped. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "SETGID",
  "SETUID",
  "NET_BIND_SERVICE",
];

/** The capabilities that are kept. */
export function keptCapabilities(
  change: { readonly add: readonly string[]; readonly drop: readonly string[] } | undefined,
): string[] {
  const drop = new Set(change?.drop ?? []);
  const base = drop.has("ALL") ? [] : DEFAULT_CAPABILITIES;
  const add = change?.add ?? [];
  return [...new Set([...base.filter((name) => !drop.has(name)), ...add])];
}
