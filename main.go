// Moonwatch is a self-hosted monitor that is extended by Lua files: one process,
// one binary, one data folder. This package turns flags and signals into options
// and a context, builds the rooms in order and stops them in the reverse order.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // zones wherever the binary runs

	"github.com/alecthomas/kong"
)

// version is set at release: go build -ldflags "-X main.version=1.2.3".
var version = "dev"

// commands are the command line. Every flag is also read from MOONWATCH_….
type commands struct {
	Serve   serveCommand   `cmd:"" default:"withargs" help:"Run the monitor (the default)."`
	Plugin  pluginCommands `cmd:"" help:"Write, try and list plugins."`
	User    userCommands   `cmd:"" help:"Add users and set passwords."`
	Token   tokenCommands  `cmd:"" help:"Make API tokens."`
	Export  exportCommand  `cmd:"" help:"Write all configuration as YAML."`
	Import  importCommand  `cmd:"" help:"Read configuration from YAML."`
	Backup  backupCommand  `cmd:"" help:"Write everything into one file, also while the monitor runs."`
	Restore restoreCommand `cmd:"" help:"Make a data folder from a backup."`
	Doctor  doctorCommand  `cmd:"" help:"Tell what is wrong with a data folder or a configuration file."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exitCode is an error that ends the program with a code and prints nothing.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit %d", int(c)) }

// usageError is a command line that could not be understood.
const usageError = 2

func main() {
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run is main for tests: it returns the exit code.
func run(args []string, s streams) int {
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "--help")
	}
	var c commands
	if len(args) > 0 && args[0] == "--version" {
		args = []string{"version"}
	}
	ended := -1
	parser, err := kong.New(&c,
		kong.Name("moonwatch"),
		kong.Description("A self-hosted monitor that is extended by Lua files."),
		kong.DefaultEnvars("MOONWATCH"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { ended = code }),
		kong.Bind(s),
	)
	if err != nil {
		panic(err) // the declaration above is wrong
	}
	ctx, err := parser.Parse(args)
	if ended >= 0 { // --help
		return ended
	}
	if err != nil {
		fmt.Fprintf(s.err, "moonwatch: %s\n", nearestCommand(err.Error(), parser.Model.Node))
		return usageError
	}
	err = ctx.Run()
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(s.err, "moonwatch: %s\n", err)
	return 1
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(s streams) error {
	fmt.Fprintln(s.out, "moonwatch", version)
	return nil
}
