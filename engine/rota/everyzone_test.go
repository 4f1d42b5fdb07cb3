package rota

import (
	"archive/zip"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// walkedYears are one by the rules of the tz database, and that in which Samoa left
// out a day.
var walkedYears = []int{2011, 2027}

// eachChange calls fn for every change of a zone's clock in the tz database in
// these years, for zones that do the same at the same time once.
func eachChange(t *testing.T, fn func(zone *time.Location, change time.Time)) {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib/time/zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	seen := map[string]bool{}
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		zone, err := LoadZone(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, year := range walkedYears {
			for at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); ; {
				_, at = at.In(zone).ZoneBounds()
				if at.IsZero() || at.UTC().Year() != year {
					break
				}
				at = at.UTC()
				if key := fmt.Sprint(at, wallOf(at.Add(-1), zone), wallOf(at, zone)); !seen[key] {
					seen[key] = true
					fn(zone, at)
				}
			}
		}
	}
	if len(seen) < 50 {
		t.Fatalf("only %d changes", len(seen))
	}
}

// walked maps each reading of a zone's clock around a change to its instant, by
// a walk from minute to minute: a missing one moves by the gap, a doubled one is
// the first.
func walked(zone *time.Location, change time.Time) map[wall]time.Time {
	instants := map[wall]time.Time{}
	var last wall
	for at := change.Add(-50 * time.Hour); at.Before(change.Add(50 * time.Hour)); at = at.Add(time.Minute) {
		reading := wallOf(at, zone)
		for gone := last + 60; last != 0 && gone < reading; gone += 60 {
			instants[gone] = at.Add(time.Duration(gone-last-60) * time.Second)
		}
		if _, again := instants[reading]; !again {
			instants[reading] = at
		}
		last = reading
	}
	return instants
}

// TestEveryZone compares wall times, recurrences and rotations around every
// change of every zone's clock with a walk from minute to minute.
func TestEveryZone(t *testing.T) {
	eachChange(t, func(zone *time.Location, change time.Time) {
		instants := walked(zone, change)
		for w, want := range instants {
			if got := w.in(zone); !got.Equal(want) {
				t.Fatalf("%s in %s is %s, want %s", w.utc(), zone, got, want)
			}
		}
		for _, clock := range []string{"23:30", "00:00", "00:15", "01:59", "02:00", "02:30", "03:00"} {
			from := change.Add(-24 * time.Hour)
			first := wall(wallOf(from, zone).day()-1) * secondsPerDay
			minutes, err := time.Parse("15:04", clock)
			if err != nil {
				t.Fatal(err)
			}
			first += wall(minutes.Hour()*3600 + minutes.Minute()*60)
			const length = 90 * 60
			daily, err := NewRecurrence("FREQ=DAILY", Span{first.in(zone), (first + length).in(zone)}, zone)
			if err != nil {
				t.Fatal(err)
			}
			turns, err := Rotation{Members: []string{"a", "b"}, Every: "1d", Starts: first.utc().Format(StartsLayout)}.Shifts(zone.String(), from, change.Add(48*time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			begins := map[int64]bool{}
			for _, s := range turns {
				begins[s.Start.Unix()] = true
			}
			spans := map[int64]int64{}
			for _, s := range daily.Within(from, change.Add(24*time.Hour)) {
				spans[s.Start.Unix()] = s.End.Unix()
			}
			for day := wall(0); day < 4; day++ {
				w := first + day*secondsPerDay
				start, known := instants[w]
				end, known2 := instants[w+length]
				if !known || !known2 || start.Before(from) || start.After(change.Add(23*time.Hour)) {
					continue
				}
				if got, ok := spans[start.Unix()]; start.Before(end) && w != first && (!ok || got != end.Unix()) {
					t.Fatalf("%s from %s in %s on day %d: until %d, want %d (%t)", clock, first.utc(), zone, day, got, end.Unix(), ok)
				}
				next := instants[w+secondsPerDay]
				if !begins[start.Unix()] && start.Before(next) {
					t.Fatalf("no handover at %s in %s", start, zone)
				}
			}
		}
	})
}
