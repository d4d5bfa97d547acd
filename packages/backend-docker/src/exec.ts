import { type ByteStream, type Clock, type DeadlineOptions, PodkitError } from "@podkit/core";
import type { DockerApi } from "./api.js";
import { ExecStream } from "./exec-stream.js";
import { record, text } from "./parse.js";

/** How long the engine may take to tell a program's exit code, and to note its end once its stream has ended. */
const ANSWER_TIMEOUT_MS = 2_000;
const NOTED_TIMEOUT_MS = 500;
const EXIT_POLL_MS = 20;

/** Starts a program in a running container and gives its stdin and stdout. Two round trips. */
export async function openStream(
  api: DockerApi,
  clock: Clock,
  id: string,
  argv: readonly string[],
  options: DeadlineOptions = {},
): Promise<ByteStream> {
  const doing = `Starting ${argv[0] ?? "a program"} in container ${id}`;
  const subject = { kind: "container", name: id } as const;
  const body = {
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Cmd: [...argv],
    User: "0:0",
    // The image's own working folder may have been removed; then no program could be started any more.
    WorkingDir: "/",
  };
  const created = record(
    await api.json(
      { doing, subject, method: "POST", path: `/containers/${encodeURIComponent(id)}/exec`, body },
      options,
    ),
  );
  const exec = text(created["Id"]);
  if (exec === "") throw new PodkitError("internal", `${doing} failed: the engine gave no id.`);
  const socket = await api.hijack(
    { doing, subject, method: "POST", path: `/exec/${exec}/start`, body: { Detach: false, Tty: false } },
    options,
  );
  return new ExecStream({
    socket,
    program: argv[0] ?? "The program",
    exitCode: (wait) => exitCode(api, clock, exec, wait),
  });
}

// The connection may end a moment before the engine has noted the program's end.
async function exitCode(api: DockerApi, clock: Clock, exec: string, wait: boolean): Promise<number | null> {
  const deadline = clock.now() + NOTED_TIMEOUT_MS;
  for (;;) {
    const state = record(
      await api.json(
        { doing: "Asking how a program in a container ended", method: "GET", path: `/exec/${exec}/json` },
        { timeoutMs: ANSWER_TIMEOUT_MS },
      ),
    );
    const code = state["ExitCode"];
    if (state["Running"] !== true && typeof code === "number") return code;
    if (!wait || clock.now() >= deadline) return null;
    await new Promise<void>((resolve) => clock.after(EXIT_POLL_MS, resolve));
  }
}
