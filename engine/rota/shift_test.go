package rota

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
)

func roster(t *testing.T) []Shift {
	return []Shift{ // in no order
		{at(t, "2026-01-03T00:00Z"), at(t, "2026-01-04T00:00Z"), "grace", "u", ""},
		{at(t, "2026-01-01T12:00Z"), at(t, "2026-01-02T00:00Z"), "grace", "u", ""},
		{at(t, "2026-01-01T00:00Z"), at(t, "2026-01-02T00:00Z"), "ada", "u", ""},
		{at(t, "2026-01-01T18:00Z"), at(t, "2026-01-02T00:00Z"), "ada", "v", ""},
		{at(t, "2026-01-02T00:00Z"), at(t, "2026-01-02T12:00Z"), "ada", "u", ""},
	}
}

func TestOnCall(t *testing.T) {
	shifts := roster(t)
	for text, want := range map[string][]string{
		"2025-12-31T23:59Z": nil,
		"2026-01-01T00:00Z": {"ada"},
		"2026-01-01T20:00Z": {"ada", "grace"}, // by start, ada once
		"2026-01-02T00:00Z": {"ada"},
		"2026-01-02T12:00Z": nil,
		"2026-01-03T00:00Z": {"grace"},
		"2026-01-04T00:00Z": nil,
	} {
		if got := OnCall(shifts, at(t, text)); !slices.Equal(got, want) {
			t.Errorf("at %s: got %v, want %v", text, got, want)
		}
	}
}

func TestUntil(t *testing.T) {
	shifts := roster(t)
	for _, c := range []struct {
		user, at, until string
		ok              bool
	}{
		{"ada", "2026-01-01T06:00Z", "2026-01-02T12:00Z", true}, // one shift after the other
		{"grace", "2026-01-01T13:00Z", "2026-01-02T00:00Z", true},
		{"grace", "2026-01-01T06:00Z", "", false},
		{"grace", "2026-01-02T00:00Z", "", false},
		{"linus", "2026-01-01T06:00Z", "", false},
	} {
		until, ok := Until(shifts, c.user, at(t, c.at))
		if ok != c.ok || ok && until.Format(minute) != c.until {
			t.Errorf("%s at %s: %s, %t; want %s, %t", c.user, c.at, until, ok, c.until, c.ok)
		}
	}
}

func TestGaps(t *testing.T) {
	got := Gaps(roster(t), at(t, "2025-12-31T00:00Z"), at(t, "2026-01-06T00:00Z"))
	want := []Span{
		{at(t, "2025-12-31T00:00Z"), at(t, "2026-01-01T00:00Z")},
		{at(t, "2026-01-02T12:00Z"), at(t, "2026-01-03T00:00Z")},
		{at(t, "2026-01-04T00:00Z"), at(t, "2026-01-06T00:00Z")},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Gaps(roster(t), at(t, "2026-01-01T01:00Z"), at(t, "2026-01-02T12:00Z")); got != nil {
		t.Errorf("gaps where there are none: %v", got)
	}
	if got := Gaps(nil, at(t, "2026-01-01T00:00Z"), at(t, "2026-01-02T00:00Z")); len(got) != 1 {
		t.Errorf("nobody at all: %v", got)
	}
}

func TestWriteFeed(t *testing.T) {
	shifts := []Shift{
		{at(t, "2026-03-30T07:00Z"), at(t, "2026-04-06T07:00Z"), "ada", "series", ""},
		{at(t, "2026-03-23T08:00Z"), at(t, "2026-03-30T07:00Z"), "grace", "series", `Grace; on call, "Rufbereitschaft" \ ` + strings.Repeat("für alle Dienste ", 10) + "\r\nline two"},
	}
	write := func(now string) string {
		var b bytes.Buffer
		if err := WriteFeed(&b, "Primary, Berlin", shifts, "https://mon.example.com:8420/", at(t, now)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	text := write("2026-03-01T00:00Z")
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
			t.Errorf("bad line %q", line)
		}
	}

	feed, err := ParseFeed([]byte(text), ParseOptions{})
	if err != nil || len(feed.Problems) > 0 {
		t.Fatalf("%v %v", err, feed)
	}
	got, problems := feed.Shifts(at(t, "2026-01-01T00:00Z"), at(t, "2027-01-01T00:00Z"), people(), Limits{})
	want := []string{"shift 2026-03-23T08:00Z 2026-03-30T07:00Z grace", "shift 2026-03-30T07:00Z 2026-04-06T07:00Z ada"}
	if !slices.Equal(show(got), want) || len(problems) > 0 {
		t.Errorf("read back: %v %v", show(got), problems)
	}
	if got[0].Title != strings.ReplaceAll(shifts[1].Title, "\r\n", "\n") {
		t.Errorf("title %q", got[0].Title)
	}

	theirs, err := ics.ParseCalendar(strings.NewReader(text))
	if err != nil || len(theirs.Events()) != 2 {
		t.Fatalf("golang-ical reads %v", err)
	}
	uid := map[string]bool{}
	for _, e := range theirs.Events() {
		uid[e.Id()] = true
		if !strings.HasSuffix(e.Id(), "@mon.example.com:8420") {
			t.Errorf("UID %q", e.Id())
		}
	}
	later, err := ics.ParseCalendar(strings.NewReader(write("2026-03-02T00:00Z")))
	if err != nil || len(uid) != 2 {
		t.Fatal(err, uid)
	}
	for _, e := range later.Events() {
		if !uid[e.Id()] {
			t.Errorf("UID %q is new at the second writing", e.Id())
		}
	}
	if err := WriteFeed(broken{}, "x", nil, "", time.Now()); !errors.Is(err, errClosed) {
		t.Errorf("a broken writer: %v", err)
	}
}

var errClosed = errors.New("closed")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errClosed }

func TestPeople(t *testing.T) {
	p := NewPeople([]Person{
		{ID: "1", Username: "sam", Emails: []string{"sam@example.com"}, Names: []string{"Sam Smith", "Alex"}},
		{ID: "2", Username: "sam.smith", Emails: []string{"Sam.Smith@Example.com"}, Names: []string{"Sam  Smith"}},
		{ID: "3", Username: "alex", Names: []string{"", "?"}},
		{ID: "4", Username: "ci", Names: []string{"Çiğdem Öz"}},
	})
	for title, want := range map[string][]string{
		"sam":                            {"1"},
		"sam.smith":                      {"2"},
		"Sam Smith":                      nil, // two users have that name
		"On call: SAM.SMITH@example.com": {"2"},
		"alex":                           {"3"}, // a username comes before a name
		"sam-backup":                     {"1"},
		"sam.other":                      nil,
		"xsam samx sam_1":                nil,
		"ÇIĞDEM":                         nil,
		"with çiğdem  öz!":               {"4"},
		"Team: sam / alex":               {"1", "3"},
		"sam, nobody":                    {"1"},
		"":                               nil,
		"?":                              nil,
	} {
		got, why := p.of(&Event{Title: title})
		if !slices.Equal(got, want) || (why == "") != (len(want) > 0) {
			t.Errorf("%q: got %v (%s), want %v", title, got, why, want)
		}
	}
	if got, why := (*People)(nil).of(&Event{Title: "sam"}); got != nil || why == "" {
		t.Errorf("nobody is known: %v", got)
	}
}
