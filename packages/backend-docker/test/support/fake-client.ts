import { Readable } from "node:stream";
import type { DockerClient, DockerDialOptions } from "../../src/index.js";

/** What a fake engine answers: JSON, a stream, or a refusal. */
export type Answer =
  | { readonly json: unknown }
  | { readonly stream: Readable }
  | { readonly status: number; readonly message: string }
  | { readonly error: Error };

/** An engine that answers what the test says; undefined: nothing comes, until the request is given up. */
export function fakeClient(
  answer: (method: string, path: string, options: DockerDialOptions) => Answer | undefined,
): DockerClient & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    modem: {
      dial(options, callback) {
        const path = options.path.replace(/\?$/, "");
        asked.push(`${options.method} ${path}`);
        const given = answer(options.method, path, options);
        if (given === undefined) {
          options.abortSignal?.addEventListener("abort", () => callback(new Error("aborted"), null), { once: true });
          return;
        }
        setImmediate(() => reply(given, callback));
      },
    },
  };
}

function reply(answer: Answer, callback: (error: unknown, result: unknown) => void): void {
  if ("error" in answer) callback(answer.error, null);
  else if ("status" in answer)
    callback(
      Object.assign(new Error(`(HTTP code ${answer.status}) unexpected - ${answer.message} `), {
        statusCode: answer.status,
      }),
      null,
    );
  else if ("stream" in answer) callback(null, answer.stream);
  else callback(null, Readable.from([Buffer.from(JSON.stringify(answer.json))]));
}
