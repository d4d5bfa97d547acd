// One command, files in, everything gone afterwards
import { runInDocker } from "podkit";

const { exitCode, stdout, timedOut } = await runInDocker("python main.py", {
  image: "python:3.11-alpine",
  files: { "main.py": "print(6 * 7)" },
  timeoutMs: 10_000,
  network: "none",
});
console.log({ exitCode, stdout, timedOut });
