package cron

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// allZones are the zones of the tz database, each of those that change their
// clocks alike in the years once.
func allZones(t *testing.T, years ...int) []*time.Location {
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
	alike := map[string]bool{}
	var all []*time.Location
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		zone, err := time.LoadLocation(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		var key strings.Builder
		for _, year := range years {
			for at := range changes(zone, year) {
				key.WriteString(at.In(zone).Format(time.RFC3339) + at.Add(-time.Minute).In(zone).Format(time.RFC3339))
			}
		}
		if !alike[key.String()] {
			alike[key.String()] = true
			all = append(all, zone)
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d zones", len(all))
	}
	return all
}

// changes yields when a zone's clock is changed within a year.
func changes(zone *time.Location, year int) func(func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		at, end := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC)
		for {
			_, at = at.In(zone).ZoneBounds()
			at = at.UTC()
			if at.Year() < year || !at.Before(end) || !yield(at) {
				return
			}
		}
	}
}

// clock is what a zone shows minute by minute: the reading, or one that it
// leaves out and that moves here; again: it was shown before.
type clock struct {
	at      time.Time
	reading time.Time // as UTC
	again   bool
}

func walk(zone *time.Location, from, to time.Time) []clock {
	shown := map[time.Time]bool{}
	var out []clock
	var last time.Time
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		here := at.In(zone)
		_, offset := here.Zone()
		reading := at.Add(time.Duration(offset) * time.Second)
		for gone := last.Add(time.Minute); !last.IsZero() && gone.Before(reading); gone = gone.Add(time.Minute) {
			out = append(out, clock{at: at.Add(gone.Sub(last) - time.Minute), reading: gone})
		}
		out = append(out, clock{at, reading, shown[reading]})
		shown[reading], last = true, reading
	}
	return out
}

// fires is the plain rule for one reading.
func (x *Expression) fires(c clock) bool {
	r := c.reading
	if x.times[r.Weekday()][r.Hour()]&(1<<r.Minute()) == 0 || c.again && !x.everyHour {
		return false
	}
	last := time.Date(r.Year(), r.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return x.months&(1<<r.Month()) != 0 && x.onDay(r.Day(), last, int(r.Weekday()))
}

// TestEveryZone compares the slots around every change of every zone's clock
// with a walk from minute to minute.
func TestEveryZone(t *testing.T) {
	var expressions []*Expression
	texts := []string{"*/5 * * * *", "30 2 * * *", "0 0 * * *", "0 3 * * 1-5", "0 6 * * 0", "@weekly", "@hourly", "15 */2 * * *", "45 1-23/2 * * *",
		"10 0,1,2,3,23 * * *", "20 1-4 * * *", "7 0-23 * * *", "0 9 * * 5", "59 23 L * *", "0 6 29 3 *", "*/17 2 * 3,10 *", "0 4 30W * SUN#1"}
	for _, text := range texts {
		expressions = append(expressions, parse(t, text))
	}
	// By its rules, and the year in which Samoa left out a day.
	for _, year := range []int{2027, 2011} {
		for _, zone := range allZones(t, year) {
			for change := range changes(zone, year) {
				from, to := change.Add(-30*time.Hour), change.Add(30*time.Hour)
				all := walk(zone, from.Add(-26*time.Hour), to)
				for i, x := range expressions {
					var want []int64
					for _, c := range all {
						if c.at.After(from) && c.at.Before(to) && x.fires(c) {
							want = append(want, c.at.Unix())
						}
					}
					slices.Sort(want)
					want = slices.Compact(want)
					var got []int64
					for at, ok := x.Next(from, zone); ok && at.Before(to); at, ok = x.Next(at, zone) {
						got = append(got, at.Unix())
					}
					if !slices.Equal(got, want) {
						t.Fatalf("%s in %s around %s:\ngot  %v\nwant %v", texts[i], zone, change, shown(got, zone), shown(want, zone))
					}
				}
			}
		}
	}
}

func shown(instants []int64, zone *time.Location) (out []string) {
	for _, at := range instants {
		out = append(out, time.Unix(at, 0).In(zone).Format("02 15:04 -07"))
	}
	return out
}

// TestYearAhead finds rare slots from a year before, in every zone.
func TestYearAhead(t *testing.T) {
	for _, zone := range allZones(t, 2026, 2027) {
		for _, text := range []string{"0 6 29 3 *", "0 3 * * 1-5", "0 6 * * 0", "0 0 * * *", "@monthly", "30 2 L * *"} {
			x := parse(t, text)
			at := time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)
			seen := map[string]bool{}
			for {
				next, ok := x.Next(at, zone)
				if !ok || next.Year() > 2027 {
					break
				}
				seen[next.In(zone).Format(time.DateOnly)] = true
				at = next
			}
			for day := time.Date(2026, 11, 17, 12, 0, 0, 0, time.UTC); day.Year() < 2028; day = day.AddDate(0, 0, 1) {
				last := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
				if want := x.months&(1<<day.Month()) != 0 && x.onDay(day.Day(), last, int(day.Weekday())); want && day.YearDay() < 364 && !seen[day.Format(time.DateOnly)] {
					t.Errorf("%s in %s leaves out %s", text, zone, day.Format(time.DateOnly))
				}
			}
		}
	}
}

func BenchmarkNext(b *testing.B) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	x, err := Parse("30 8 * * 1-5")
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		x.Next(at, zone)
	}
}
