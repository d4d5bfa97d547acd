/** What `--help` shows at its end, by command. */
export const EXAMPLES = {
  podkit: `
Examples:
  podkit run --image python:3.11-alpine -- python -c "print(6 * 7)"
  podkit run --user bob --session 123 -- sh       make bob/123 and keep it
  podkit exec bob/123 -- ls -l
  podkit doctor
`,
  run: `
Examples:
  podkit run --image python:3.11-alpine -- python -c "print(6 * 7)"
  podkit run --file main.py --network none --timeout 10s -- python main.py
  echo hello | podkit run -- cat
  podkit run --memory 1g --cpus 2 -v /data/sets:/data:ro -- sh
  podkit run --user bob --session 123 -- sh       a session that is kept, made where it is missing

The exit code is the command's; 124 at the timeout, 128 and the signal's number where one ended it, 125 where podkit failed.
`,
  exec: `
Examples:
  podkit exec bob/123 -- ls -l /workspace
  podkit exec bob/123 -- sh                       with a terminal, where there is one
  tar c . | podkit exec bob/123 -- tar x
  podkit exec --json -e DEBUG=1 bob/123 -- env
`,
  ls: `
Examples:
  podkit ls
  podkit ls --json --prefix my-app
  podkit ls -q | xargs podkit rm
`,
  info: `
Examples:
  podkit info bob/123
  podkit info --json --user bob --session 123
`,
  stop: `
Examples:
  podkit stop bob/123
`,
  rm: `
Examples:
  podkit rm bob/123 bob/124
`,
  cp: `
Examples:
  podkit cp main.py bob/123:/workspace/           into a folder
  podkit cp ./src bob/123:src
  podkit cp bob/123:/workspace/result.csv .

A path of this machine that looks like USER/SESSION:PATH takes ./ before it.
`,
  logs: `
Examples:
  podkit logs --tail 50 bob/123
  podkit logs -f bob/123
`,
  doctor: `
Examples:
  podkit doctor
  podkit doctor --json --docker-host tcp://10.0.0.5:2376
`,
} as const;
