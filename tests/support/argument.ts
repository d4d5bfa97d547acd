/** What the programs are told: a JSON object as their one argument. */
export interface ProgramArgument {
  readonly prefix: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly image: string;
  /** How many calls at once. Default 1. */
  readonly callers?: number;
  /** Where Docker answers. Default: where it is found. */
  readonly host?: string;
  /** Names of volumes that hold the agent begin with it. */
  readonly agentVolumePrefix?: string;
}

/** Reads the argument of this process. @throws where it is none. */
export function readArgument(): ProgramArgument {
  const value: unknown = JSON.parse(process.argv[2] ?? "null");
  if (typeof value !== "object" || value === null) throw new Error("the program needs its argument as JSON");
  const fields = new Map<string, unknown>(Object.entries(value));
  const text = (name: string): string => {
    const field = fields.get(name);
    if (typeof field === "string") return field;
    throw new Error(`the argument has no ${name}`);
  };
  const optional = (name: string): string | undefined => (fields.has(name) ? text(name) : undefined);
  const [host, agentVolumePrefix] = [optional("host"), optional("agentVolumePrefix")];
  return {
    prefix: text("prefix"),
    userId: text("userId"),
    sessionId: text("sessionId"),
    image: text("image"),
    callers: Number(fields.get("callers") ?? 1),
    ...(host === undefined ? {} : { host }),
    ...(agentVolumePrefix === undefined ? {} : { agentVolumePrefix }),
  };
}
