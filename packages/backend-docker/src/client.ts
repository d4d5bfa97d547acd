/** One request, as dockerode's transport takes it. */
export interface DockerDialOptions {
  readonly path: string;
  readonly method: string;
  readonly isStream: boolean;
  readonly hijack?: boolean;
  readonly statusCodes: Readonly<Record<number, true>>;
  readonly options?: { readonly _query: Readonly<Record<string, unknown>>; readonly _body: unknown };
  readonly file?: Buffer;
  readonly authconfig?: { readonly base64: string };
  readonly abortSignal?: AbortSignal;
}

/**
 * What podkit needs of a dockerode client: its transport. `new Docker(...)` of dockerode fits as it is, and so does anything
 * else that sends a request to an engine and calls back with the response's stream, or with the socket where `hijack` is set.
 */
export interface DockerClient {
  readonly modem: {
    dial(options: DockerDialOptions, callback: (error: unknown, result: unknown) => void): void;
  };
}
