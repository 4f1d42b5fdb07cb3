package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// report holds the figures of all parts, in the order in which they first came.
type report struct {
	At      time.Time `json:"at"`
	Commit  string    `json:"commit"` // of the tree that bench was run in; with -binary, its path
	Go      string    `json:"go"`
	CPU     string    `json:"cpu"`
	CPUs    int       `json:"cpus"`
	Rounds  int       `json:"rounds"`
	Seconds float64   `json:"seconds"` // of a window
	Figures []*figure `json:"figures"`
}

// figure is what was measured under one name, once in each round.
type figure struct {
	Part   string    `json:"part"`
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	More   bool      `json:"more_is_better"`
	Median float64   `json:"median"`
	Worst  float64   `json:"worst"`
	Values []float64 `json:"values"`
}

func newReport(o *options) *report {
	return &report{At: time.Now().UTC().Truncate(time.Second), Commit: commit(o.binary), Go: runtime.Version(),
		CPU: cpuModel(), CPUs: runtime.NumCPU(), Rounds: o.rounds, Seconds: o.seconds}
}

// commit says what is measured: a tree that was changed has a mark.
func commit(binary string) string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil || !strings.Contains(binary, "moonwatch-bench-") {
		return binary
	}
	return strings.TrimSpace(string(out))
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // "" where there is none
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimLeft(strings.TrimSpace(name), ": ")
		}
	}
	return runtime.GOARCH
}

func (r *report) heading() string {
	return fmt.Sprintf("%s on %d × %s, %s, %s; %d rounds, windows of %s s\n",
		r.Commit, r.CPUs, r.CPU, r.Go, r.At.Format(time.RFC3339), r.Rounds, number(r.Seconds))
}

func (r *report) add(part, name, unit string, more bool, value float64) {
	f := r.find(part, name)
	if f == nil {
		f = &figure{Part: part, Name: name, Unit: unit, More: more}
		r.Figures = append(r.Figures, f)
	}
	f.Values = append(f.Values, value)
	f.Median, f.Worst = median(f.Values), worst(f.Values, more)
}

func (r *report) find(part, name string) *figure {
	for _, f := range r.Figures {
		if f.Part == part && f.Name == name {
			return f
		}
	}
	return nil
}

// print writes the figures of a part as a table.
func (r *report) print(w io.Writer, part string) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\n%s\tmedian\tworst\t\n", part)
	for _, f := range r.Figures {
		if f.Part == part {
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", f.Name, number(f.Median), number(f.Worst), f.Unit)
		}
	}
	table.Flush()
}

func (r *report) write(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

func readReport(path string) (*report, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(report)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}
