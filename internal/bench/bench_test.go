package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

func TestMedianAndWorst(t *testing.T) {
	for _, c := range []struct {
		values        []float64
		median, least float64
		most          float64
	}{
		{[]float64{3}, 3, 3, 3},
		{[]float64{9, 1}, 5, 1, 9},
		{[]float64{9, 1, 2}, 2, 1, 9},
		{[]float64{4, 1, 3, 2}, 2.5, 1, 4},
	} {
		given := slices.Clone(c.values)
		if got := median(c.values); got != c.median {
			t.Errorf("median of %v: got %v, want %v", c.values, got, c.median)
		}
		if less, more := worst(c.values, false), worst(c.values, true); less != c.most || more != c.least {
			t.Errorf("worst of %v: got %v where less is better and %v where more is", c.values, less, more)
		}
		if !slices.Equal(c.values, given) {
			t.Errorf("the values were sorted in place: %v", c.values)
		}
	}
}

func TestPercentile(t *testing.T) {
	var list []time.Duration
	for i := range 100 {
		list = append(list, time.Duration(i+1))
	}
	for percent, want := range map[int]time.Duration{0: 1, 50: 51, 99: 100, 100: 100} {
		if got := percentile(list, percent); got != want {
			t.Errorf("%d: got %d, want %d", percent, got, want)
		}
	}
	if got := percentile(nil, 50); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestParseRates(t *testing.T) {
	for text, want := range map[string][]int{"": nil, "1000": {1000}, "1000, 4000,": {1000, 4000}} {
		if got, err := parseRates(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %v %v", text, got, err)
		}
	}
	for _, text := range []string{"1k", "-1", "0", "1.5", "1000;2"} {
		if got, err := parseRates(text); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestParseArgs(t *testing.T) {
	names := func(args ...string) string {
		_, chosen, err := parseArgs(args, io.Discard)
		if err != nil {
			return err.Error()
		}
		var out []string
		for _, p := range chosen {
			out = append(out, p.name)
		}
		return strings.Join(out, " ")
	}
	if got := names("-seconds", "3", "plain", "http"); got != "http plain" {
		t.Errorf("got %q", got)
	}
	if usual := names(); !strings.HasPrefix(usual, "http plain") {
		t.Errorf("without names: %q", usual)
	}
	for _, bad := range [][]string{{"htpp"}, {"-rounds", "0"}, {"-seconds", "0"}, {"-rates", "x"}} {
		if _, _, err := parseArgs(bad, io.Discard); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

func TestCompare(t *testing.T) {
	a, b := &report{Commit: "one"}, &report{Commit: "two"}
	for _, v := range []float64{0.40, 0.41, 0.39} {
		a.add("http", "CPU", "ms", false, v)
		b.add("http", "CPU", "ms", false, v/2)
		a.add("http", "runs", "/s", true, 1000*v)
		b.add("http", "runs", "/s", true, 500*v)
		a.add("http", "same", "ms", false, v)
		b.add("http", "same", "ms", false, v+0.001)
	}
	a.add("http", "zero", "", false, 0)
	b.add("http", "zero", "", false, 5)
	a.add("alert", "gone", "ms", false, 7)
	b.add("alert", "new", "ms", false, 8)
	path := filepath.Join(t.TempDir(), "a.json")
	if err := a.write(path); err != nil {
		t.Fatal(err)
	}
	read, err := readReport(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	compare(&out, read, b)
	for _, want := range []string{
		"A: one", "B: two",
		"http: CPU 0.4000 0.2000 ms -50.0 % better\n",
		"http: runs 400 200 /s -50.0 % worse\n",
		"http: same 0.4000 0.4010 ms +0.3 %\n",
		"http: zero 0 5.00",
		"alert: gone 7.00 - ms\n",
		"alert: new - 8.00 ms\n",
	} {
		if squeezed := squeeze(out.String()); !strings.Contains(squeezed, want) {
			t.Errorf("no %q in\n%s", want, squeezed)
		}
	}
	if err := compareFiles(io.Discard, []string{path}); err == nil {
		t.Error("one report was compared")
	}
}

// squeeze makes one space of several, and drops those at the ends of lines.
func squeeze(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestUnevenness(t *testing.T) {
	for _, c := range []struct {
		results []int
		want    float64
	}{
		{[]int{20, 19, 20}, 0},
		{[]int{9, 9, 9}, 1},
		{[]int{19, 19, 4}, 3},
	} {
		s := &sample{results: c.results, seconds: 20}
		if got := s.unevenness(); got != c.want {
			t.Errorf("%v: got %v, want %v", c.results, got, c.want)
		}
	}
}

// TestFatalEndsThePart holds that a part that gives up ends alone, and that what
// it began is cleaned up, the last first.
func TestFatalEndsThePart(t *testing.T) {
	for name, give := range map[string]func(b *bench){
		"fatal":  func(b *bench) { programtest.Until(b, "never", 0, func() bool { return false }) },
		"panic":  func(*bench) { panic("a fault") },
		"errors": func(b *bench) { b.Error("one") },
	} {
		b := newBench(&options{}, name, 1, t.TempDir(), newReport(&options{}))
		var order []int
		<-b.start(func(b *bench) {
			b.Cleanup(func() { order = append(order, 1) })
			b.Cleanup(func() { order = append(order, 2) })
			give(b)
		})
		if !b.Failed() || !slices.Equal(order, []int{2, 1}) || b.Context().Err() == nil {
			t.Errorf("%s: failed %v, cleaned up %v", name, b.Failed(), order)
		}
	}
}
