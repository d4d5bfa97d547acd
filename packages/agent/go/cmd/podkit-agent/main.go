// Command podkit-agent is podkit's part inside a container.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"podkit.dev/agent/internal/connect"
	"podkit.dev/agent/internal/initd"
	"podkit.dev/agent/internal/ports"
	"podkit.dev/agent/internal/runas"
	"podkit.dev/agent/internal/spawn"
)

// version is set by the linker.
var version = "dev"

const usage = `usage:
  podkit-agent init [JSON]                          be the agent (PID 1, or a child subreaper)
  podkit-agent connect [--start JSON] [--wait-ms N] [--state-dir DIR]
                                                    one stream of stdin and stdout to the agent
  podkit-agent run-as USER -- PROGRAM [ARG...]      be PROGRAM, as USER (the image's program as PID 1)
  podkit-agent version
`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	switch args[0] {
	case "init":
		arg := ""
		if len(args) > 1 {
			arg = args[1]
		}
		return initd.Run(arg, version)
	case "connect":
		return runConnect(args[1:])
	case "spawner":
		return spawn.Worker()
	case ports.HelperName:
		return ports.HelperMain(args[1:], os.Stdout)
	case "run-as":
		return runas.Run(args[1:])
	case "version", "--version":
		fmt.Println(version)
		return 0
	}
	fmt.Fprint(os.Stderr, usage)
	return 2
}

func runConnect(args []string) int {
	flags := flag.NewFlagSet("connect", flag.ContinueOnError)
	start := flags.String("start", "", "start the agent with this JSON where none runs")
	wait := flags.Int("wait-ms", 10_000, "how long to wait for the socket")
	state := flags.String("state-dir", "", "the agent's state folder")
	if flags.Parse(args) != nil || flags.NArg() > 0 || *wait < 0 {
		return connect.CodeFailed
	}
	o := connect.Options{StateDir: *state, Wait: time.Duration(*wait) * time.Millisecond}
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "start" {
			o.Start = start
		}
	})
	if o.StateDir == "" {
		o.StateDir = initd.DefaultStateDir
		if o.Start != nil {
			if cfg, err := initd.ParseConfig(*o.Start); err == nil {
				o.StateDir = cfg.StateDir
			}
		}
	}
	return connect.Run(o)
}
