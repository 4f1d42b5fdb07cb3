// Command bench measures the whole program: it builds it, starts it with a data
// folder of its own and targets of its own, and prints each figure as the median
// of several rounds with the worst beside, next to floors taken in the same round.
//
//	go run ./internal/bench                      # the usual parts
//	go run ./internal/bench -seconds 60 http     # one part, with the official window
//	go run ./internal/bench -json a.json -binary ./moonwatch http plain
//	go run ./internal/bench compare a.json b.json
//
// It wants the machine for itself. Storage is what it always is: Badger that
// syncs each write. It reads /proc, so that it runs on Linux alone.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"moonwatch/internal/programtest"
)

// part measures one theme. It is called once in each round.
type part struct {
	name, about string
	long        bool // only when it is named, or with "all"
	run         func(b *bench)
}

var parts = []part{
	{"http", "HTTP checks of 1 s at rising rates, against the paced floor", false, measureHTTP},
	{"plain", "checks without I/O at rising rates, all stored", false, measurePlain},
	{"overload", "HTTP checks at twice what the machine can", false, measureOverload},
	{"memory", "memory idle, with many checks, and after a restart", false, measureMemory},
	{"scale", "1,000 to 100,000 registered checks, or a million", false, measureScale},
	{"alert", "from a failing answer to the receiver's first byte", false, measureAlert},
	{"reload", "from the save of a plugin to its being live", false, measureReload},
	{"history", "many checks with a year of history", true, measureHistory},
	{"rivals", "Gatus, Nagios and blackbox_exporter at the same rate, where they are there", true, measureRivals},
}

func main() {
	programtest.RunHelper()
	if len(os.Args) > 1 && os.Args[1] == "compare" {
		if err := compareFiles(os.Stdout, os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(2)
		}
		return
	}
	o, chosen, err := parseArgs(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ok, err := measure(o, chosen)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// parseArgs reads flags and the names of parts.
func parseArgs(args []string, usage io.Writer) (*options, []part, error) {
	o := &options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.IntVar(&o.rounds, "rounds", 3, "how often each part is measured")
	flags.Float64Var(&o.seconds, "seconds", 20, "length of a window; official figures take 60")
	flags.StringVar(&o.only, "only", "", "of the part memory, the loads whose name holds this `text`")
	flags.StringVar(&o.rates, "rates", "", "checks a second of the parts http and plain, as 1000,4000")
	flags.StringVar(&o.binary, "binary", "", "the program to measure (built from this tree)")
	flags.StringVar(&o.json, "json", "", "a `file` to write the figures to, for bench compare")
	flags.StringVar(&o.profile, "profile", "", "a `folder` to write profiles of each window to; they cost some of what is measured")
	flags.BoolVar(&o.million, "million", false, "have the part scale go on to a million checks")
	flags.IntVar(&o.checkCount, "checks", 100_000, "checks of the part history, and the most of the part scale")
	flags.StringVar(&o.history, "history", "", "a `folder` to keep the data of the part history in: 100,000 checks take an hour and 20 GB to make")
	flags.StringVar(&o.gatus, "gatus", "gatus", "the `program` of Gatus")
	flags.Usage = func() {
		fmt.Fprintln(usage, "bench [flags] [part...]\nbench compare A.json B.json\n\nParts, those with * only when named or with \"all\":")
		for _, p := range parts {
			fmt.Fprintf(usage, "  %-9s %s%s\n", p.name, p.about, map[bool]string{true: " *"}[p.long])
		}
		fmt.Fprintln(usage, "\nFlags:")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return nil, nil, err
	}
	if _, err := parseRates(o.rates); err != nil {
		return nil, nil, err
	}
	if o.rounds < 1 || o.seconds <= 0 || o.checkCount < 1 {
		return nil, nil, errors.New("-rounds, -seconds and -checks must be above 0")
	}
	chosen, err := chooseParts(flags.Args())
	return o, chosen, err
}

// chooseParts are the parts of these names, in the order of parts.
func chooseParts(names []string) ([]part, error) {
	for _, name := range names {
		if name != "all" && !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return nil, fmt.Errorf("there is no part %q: see bench -help", name)
		}
	}
	var chosen []part
	for _, p := range parts {
		if slices.Contains(names, p.name) || slices.Contains(names, "all") || len(names) == 0 && !p.long {
			chosen = append(chosen, p)
		}
	}
	return chosen, nil
}

// measure runs the parts, round by round, and prints and writes their figures.
// It returns false when something failed.
func measure(o *options, chosen []part) (ok bool, err error) {
	work, err := os.MkdirTemp("", "moonwatch-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	if o.binary, err = program(o.binary, work); err != nil {
		return false, err
	}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return false, err
		}
	}
	r := newReport(o)
	fmt.Print(r.heading())
	ok = true
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM)
	for _, p := range chosen {
		for round := 1; round <= o.rounds; round++ {
			b := newBench(o, p.name, round, work, r)
			select {
			case <-b.start(p.run):
			case <-stopped: // what was started must not outlive this
				b.clean()
				os.RemoveAll(work)
				os.Exit(130)
			}
			ok = ok && !b.Failed()
		}
		r.print(os.Stdout, p.name)
	}
	if o.json != "" {
		err = r.write(o.json)
	}
	return ok, err
}

// program is the absolute path of the program to measure, which is built into
// the folder unless it is given.
func program(given, work string) (string, error) {
	if given != "" {
		path, err := exec.LookPath(given)
		if err != nil {
			return "", err
		}
		return filepath.Abs(path)
	}
	path := filepath.Join(work, "moonwatch")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "moonwatch")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return path, nil
}
