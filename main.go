// Moonwatch is a self-hosted monitor that is extended by Lua files: one process,
// one binary, one data folder. What it does is in moonwatch/internal/cli.
package main

import (
	"os"
	_ "time/tzdata" // zones wherever the binary runs

	"moonwatch/internal/cli"
)

// version is set at release: go build -ldflags "-X main.version=1.2.3".
var version string

func main() { os.Exit(cli.Main(version, os.Args[1:])) }
