// Package cli is the command line of Moonwatch: one file per command.
//
// Arguments, variables of the environment and signals come in; what goes out is
// text for people, JSON or YAML for programs, and an exit code. `serve` builds the
// rooms in order (data folder, plugins, server, engine), hands each what it needs
// of the others, and stops them in the reverse order. This is the only package
// that knows them all.
//
// Every other command that reads or changes what a monitor holds is a client of
// its REST API: through the socket in the data folder when the monitor runs, or
// else through the same handlers over the opened folder (connect, in client.go).
// So a command must hold no rule of its own on what is allowed or valid, and must
// not touch the engine's state beside the API. Plugin commands (new, lint, test,
// run, watch, doc) need no data folder at all.
package cli

import (
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"os"

	"github.com/alecthomas/kong"
)

// commands are the command line. Every flag is also read from MOONWATCH_….
type commands struct {
	Serve   serveCommand   `cmd:"" default:"withargs" help:"Run the monitor (the default)."`
	Demo    demoCommand    `cmd:"" help:"Serve a made-up city, with a history and an outage that unfolds, to look at."`
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

// Main runs the program with the arguments of its command line, on the process's
// own streams, and returns its exit code. release is the version that was set
// when it was built; when it is empty the version is what Go knows of the build.
func Main(release string, args []string) int {
	if release != "" {
		version = release
	}
	return run(args, streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, adoptLog: adoptLog})
}

// adoptLog makes what libraries write to the process's standard logger lines of
// log as any other.
func adoptLog(log *slog.Logger) {
	stdlog.SetFlags(0)
	stdlog.SetOutput(slog.NewLogLogger(log.Handler(), slog.LevelWarn).Writer())
}

// run runs one command line and returns the exit code. It touches nothing of the
// process beside the streams it is given.
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

type pluginCommands struct {
	New   pluginNewCommand   `cmd:"" help:"Write a new plugin and its test into this folder."`
	Lint  pluginLintCommand  `cmd:"" help:"Look for mistakes in plugins: file:line:column: message, exit 1 on any."`
	Test  pluginTestCommand  `cmd:"" help:"Run plugins' tests: exit 1 on a failure, 2 when none could be run."`
	Watch pluginWatchCommand `cmd:"" help:"Lint, test and run a plugin at each save."`
	Run   pluginRunCommand   `cmd:"" help:"Run a check plugin once: exit 0 passed, 1 failed or unknown, 2 could not run."`
	Doc   pluginDocCommand   `cmd:"" help:"Print what a plugin's settings are, as Markdown."`
	Send  pluginSendCommand  `cmd:"" help:"Send one alert through an alert plugin: exit 0 sent or skipped, 1 not sent, 2 could not."`
	List  pluginListCommand  `cmd:"" help:"List the plugins that ship and those of the plugin folder, as the running monitor has them, or else as their files say."`
}
