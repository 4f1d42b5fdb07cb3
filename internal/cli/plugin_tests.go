package cli

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/plugintest"
	"moonwatch/plugins"
)

type pluginTestCommand struct {
	Paths   []string `arg:"" name:"path" help:"A plugin's file, its test, or a folder."`
	Verbose bool     `short:"v" help:"Print what the tests themselves logged."`
}

const (
	testFailed   exitCode = 1
	testCouldNot exitCode = 2
)

// Run runs the tests of all paths and prints a line for each.
func (c *pluginTestCommand) Run(s streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	tester, err := plugintest.New(plugins.Files())
	if err != nil {
		return err
	}
	defer tester.Close()
	passed, failed, unrun := 0, 0, 0
	for _, path := range c.Paths {
		report, err := tester.Test(ctx, path)
		if err != nil {
			fmt.Fprintf(s.err, "moonwatch: %s\n", err)
			unrun++
			continue
		}
		printTests(s, report, c.Verbose)
		p, f, u := report.Counts()
		passed, failed, unrun = passed+p, failed+f, unrun+u
	}
	fmt.Fprintln(s.out, testSummary(passed, failed, unrun))
	switch {
	case passed+failed == 0:
		return testCouldNot
	case failed+unrun > 0:
		return testFailed
	}
	return nil
}

// testSummary is the last line; unrun counts files.
func testSummary(passed, failed, unrun int) string {
	text := fmt.Sprintf("%d passed, %d failed", passed, failed)
	if unrun > 0 {
		text += ", " + counted(unrun, "file") + " could not be run"
	}
	return text
}

func printTests(s streams, report plugintest.Report, verbose bool) {
	for _, f := range report.Files {
		for _, p := range f.Problems {
			fmt.Fprintln(s.err, problemLine(p))
		}
		for _, t := range f.Tests {
			if t.Failure == nil {
				fmt.Fprintf(s.out, "ok    %s:%d: %s (%s)\n", f.File, t.Line, t.Name, t.Took.Round(10*time.Microsecond))
			} else {
				fmt.Fprintf(s.out, "FAIL  %s:%d: %s: %s\n", t.Failure.File, t.Failure.Line, t.Name, indented(t.Failure.Message))
				if t.Detail != "" {
					fmt.Fprintf(s.out, "      the plugin's last call: %s\n", indented(t.Detail))
				}
			}
			if verbose || t.Failure != nil {
				printLog(s.out, t.Log)
			}
		}
	}
}

func printLog(w io.Writer, lines []engine.LogLine) {
	for _, l := range lines {
		fmt.Fprintf(w, "      %s: %s\n", l.Level, indented(l.Message))
	}
}

// indented keeps further lines of a text under its first.
func indented(text string) string {
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n      ")
}

// problemLine is a problem as editors find their way by it.
func problemLine(p engine.PluginProblem) string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
}
