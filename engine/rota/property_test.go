package rota

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// holds checks what is true of the shifts of any feed over any span.
func holds(t *testing.T, feed *Feed, from, to time.Time) []Shift {
	t.Helper()
	shifts, problems := feed.Shifts(from, to, people(), Limits{})
	again, problemsAgain := feed.Shifts(from, to, people(), Limits{})
	if !slices.Equal(shifts, again) || !slices.Equal(problems, problemsAgain) {
		t.Fatalf("two calls differ:\n%v\n%v", shifts, again)
	}
	for i, s := range shifts {
		if !s.Start.Before(s.End) || !s.Start.Before(to) || !s.End.After(from) {
			t.Fatalf("%v does not overlap %s to %s", s, from, to)
		}
		if s.Start.Location() != time.UTC || s.End.Location() != time.UTC {
			t.Fatalf("%v is not in UTC", s)
		}
		if s.User == "" || s.UID == "" {
			t.Fatalf("%v lacks a user or a UID", s)
		}
		if i > 0 && s.Start.Before(shifts[i-1].Start) {
			t.Fatalf("%v comes after %v", s, shifts[i-1])
		}
	}
	for i, g := range Gaps(shifts, from, to) {
		if i == 50 { // looking at each would take the square of their number
			break
		}
		if !g.Start.Before(g.End) || g.Start.Before(from) || g.End.After(to) || len(OnCall(shifts, g.Start)) > 0 {
			t.Fatalf("%v is not a gap in %s to %s", g, from, to)
		}
	}
	return shifts
}

// TestAnySpan takes every fixture over spans of every length: the shifts of a
// part are those of the whole that overlap the part.
func TestAnySpan(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.ics")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		feed, err := ParseFeed(data, ParseOptions{Zone: "Europe/Berlin"})
		if err != nil {
			continue // a refused one
		}
		from, to := time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
		whole := holds(t, feed, from, to)
		for _, step := range []time.Duration{7 * time.Hour, 9*24*time.Hour + time.Minute} {
			for at := from; at.Before(to); at = at.Add(23 * step) {
				part := holds(t, feed, at, at.Add(step))
				if want := Within(whole, at, at.Add(step)); !slices.Equal(part, want) {
					t.Fatalf("%s from %s for %s:\ngot  %v\nwant %v", file, at, step, show(part), show(want))
				}
			}
		}
	}
}

func FuzzParseFeed(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.ics")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, int64(1767225600), uint16(60))
	}
	f.Fuzz(func(t *testing.T, data []byte, at int64, days uint16) {
		feed, err := ParseFeed(data, ParseOptions{Zone: "Europe/Berlin"})
		if err != nil {
			return
		}
		from := time.Unix(at%(1<<36), 0).UTC()
		holds(t, feed, from, from.AddDate(0, 0, int(days%400)+1))
	})
}

// TestManyReaders takes one feed from several goroutines; the race detector
// judges.
func TestManyReaders(t *testing.T) {
	data, err := os.ReadFile("testdata/this-and-future.ics")
	if err != nil {
		t.Fatal(err)
	}
	feed, err := ParseFeed(data, ParseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	who := people()
	counts := make([]int, 4)
	var group sync.WaitGroup
	for i := range counts {
		group.Go(func() {
			shifts, _ := feed.Shifts(from, from.AddDate(0, 3, 0), who, Limits{})
			counts[i] = len(shifts)
		})
	}
	group.Wait()
	if !slices.Equal(counts, []int{5, 5, 5, 5}) {
		t.Errorf("got %v shifts, want 5 each", counts)
	}
}
