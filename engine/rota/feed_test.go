package rota

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

const minute = "2006-01-02T15:04Z07:00"

// people are the users of the fixtures.
func people() *People {
	return NewPeople([]Person{
		{ID: "ada", Username: "ada", Emails: []string{"ada@example.com"}, Names: []string{"Ada Lovelace"}},
		{ID: "grace", Username: "Grace", Emails: []string{"grace@example.com"}, Names: []string{"Grace Hopper"}},
		{ID: "linus", Username: "linus", Emails: []string{"linus@example.net"}, Names: []string{"Linus Q. Jörg", "Jörg"}},
	})
}

// expected is a .want file: what a fixture gives, worked out from RFC 5545.
type expected struct {
	zone     string
	from, to time.Time
	lines    []string
}

func readExpected(t *testing.T, file string) expected {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var e expected
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "zone":
			e.zone = words[1]
		case words[0] == "from":
			e.from, e.to = at(t, words[1]), at(t, words[3])
		default:
			e.lines = append(e.lines, strings.Join(words, " "))
		}
	}
	return e
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(minute, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func show(shifts []Shift) []string {
	var lines []string
	for _, s := range shifts {
		lines = append(lines, fmt.Sprintf("shift %s %s %s", s.Start.Format(minute), s.End.Format(minute), s.User))
	}
	return lines
}

func TestFixtures(t *testing.T) {
	files, err := filepath.Glob("testdata/*.ics")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".ics"), func(t *testing.T) {
			want := readExpected(t, strings.TrimSuffix(file, ".ics")+".want")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			feed, err := ParseFeed(data, ParseOptions{Zone: want.zone})
			if refused := (*FeedError)(nil); errors.As(err, &refused) {
				got = []string{"error " + refused.Code}
			} else if err != nil {
				t.Fatal(err)
			} else {
				shifts, problems := feed.Shifts(want.from, want.to, people(), Limits{})
				got = show(shifts)
				for _, p := range append(slices.Clone(feed.Problems), problems...) {
					t.Log(p)
					got = append(got, "problem "+p.Code)
				}
			}
			if !slices.Equal(got, want.lines) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want.lines, "\n"))
			}
		})
	}
}
