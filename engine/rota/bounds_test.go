package rota

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const eventText = "BEGIN:VEVENT\r\nUID:%d\r\nSUMMARY:ada\r\nDTSTART:20260105T090000Z\r\nDTEND:20260105T100000Z\r\n%sEND:VEVENT\r\n"

func calendarOf(events ...string) []byte {
	return []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + strings.Join(events, "") + "END:VCALENDAR\r\n")
}

func events(n int, more string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(eventText, i, more)
	}
	return list
}

func refusedAs(t *testing.T, err error, code string) {
	t.Helper()
	var refused *FeedError
	if !errors.As(err, &refused) || refused.Code != code {
		t.Errorf("got %v, want a feed refused as %s", err, code)
	}
}

func TestMostEvents(t *testing.T) {
	feed, err := ParseFeed(calendarOf(events(MaxEvents, "")...), ParseOptions{})
	if err != nil || len(feed.Events) != MaxEvents {
		t.Fatalf("%d events: %v", MaxEvents, err)
	}
	_, err = ParseFeed(calendarOf(events(MaxEvents+1, "")...), ParseOptions{})
	refusedAs(t, err, TooManyEvents)
}

func TestMostBytes(t *testing.T) {
	large := calendarOf(strings.Repeat("COMMENT:"+strings.Repeat("x", 60)+"\r\n", MaxBytes/70+1))
	_, err := ParseFeed(large, ParseOptions{})
	refusedAs(t, err, TooLarge)
}

func TestOptions(t *testing.T) {
	if _, err := ParseFeed(calendarOf(), ParseOptions{Zone: "Nowhere"}); err == nil || errors.As(err, new(*FeedError)) {
		t.Errorf("an unknown zone: %v", err)
	}
}

// TestHostileFeeds holds the time and the result of feeds that ask for too much.
func TestHostileFeeds(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(0, 0, 60)
	allDay := "BYHOUR=" + list(24) + ";BYMINUTE=" + list(60) + ";BYSECOND=" + list(60)
	for name, c := range map[string]struct {
		data []byte
		most int
		want string // a problem's code
	}{
		"many endless series":   {calendarOf(events(MaxEvents, "RRULE:FREQ=DAILY\r\n")...), 20_000, TooMany},
		"a million instances":   {calendarOf(events(1, "RRULE:FREQ=DAILY;COUNT=1000000\r\n")...), 60, ""},
		"every second":          {calendarOf(append(events(1, "RRULE:FREQ=DAILY;"+allDay+"\r\n"), fmt.Sprintf(eventText, 7, ""))...), 1, TooMany},
		"every second of years": {calendarOf(events(200, "RRULE:FREQ=YEARLY;COUNT=999999999;"+allDay+";BYMONTHDAY="+strings.TrimPrefix(list(32), "0,")+"\r\n")...), 0, TooMany},
		"never":                 {calendarOf(events(MaxEvents, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=5\r\n")...), 10_000, ""},
		"long lists":            {calendarOf(events(20, "RDATE:"+strings.Repeat("20260110T090000Z,", 10_000)+"20260111T090000Z\r\nEXDATE:"+strings.Repeat("20260110T090000Z,", 2000)+"\r\n")...), 40, ""},
		"one UID":               {calendarOf(strings.Repeat(fmt.Sprintf(eventText, 1, "RRULE:FREQ=DAILY;COUNT=1000\r\n"), MaxEvents)), 60, ""},
		"deep":                  {calendarOf(strings.Repeat("BEGIN:VTODO\r\n", 100_000)), 0, NoEvents},
		"zones":                 {calendarOf(manyZones(2000)...), 0, UnknownZone},
		"quotes":                {calendarOf("ATTENDEE;CN=" + strings.Repeat(`"`, 1_000_000) + ":x\r\n"), 0, NoEvents},
		"one line":              {calendarOf("X:" + strings.Repeat("x\r\n ", 1_000_000) + "\r\n"), 0, NoEvents},
	} {
		t.Run(name, func(t *testing.T) {
			if len(c.data) > MaxBytes {
				t.Fatalf("%d bytes", len(c.data))
			}
			began := time.Now()
			feed, err := ParseFeed(c.data, ParseOptions{})
			if err != nil {
				t.Fatal(err)
			}
			shifts, problems := feed.Shifts(from, to, people(), Limits{})
			took := time.Since(began)
			t.Log(len(shifts), "shifts in", took)
			if took > slowness*4*time.Second {
				t.Errorf("took %s", took)
			}
			if len(shifts) > c.most || c.most > 0 && len(shifts) == 0 {
				t.Errorf("%d shifts, want at most %d", len(shifts), c.most)
			}
			problems = append(slices.Clone(feed.Problems), problems...)
			if c.want == "" && len(problems) > 0 || c.want != "" && !slices.ContainsFunc(problems, func(p Problem) bool { return p.Code == c.want }) {
				t.Errorf("problems %v, want %q", problems, c.want)
			}
			if len(problems) > 2*(maxProblems+1) {
				t.Errorf("%d problems", len(problems))
			}
		})
	}
}

func list(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",%d", i)
	}
	return b.String()[1:]
}

func manyZones(n int) (parts []string) {
	for i := range n {
		parts = append(parts, fmt.Sprintf("BEGIN:VTIMEZONE\r\nTZID:zone %d\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n", i),
			fmt.Sprintf("BEGIN:VEVENT\r\nUID:%d\r\nSUMMARY:ada\r\nDTSTART;TZID=zone %d:20200105T090000\r\nDURATION:PT1H\r\nEND:VEVENT\r\n", i, i))
	}
	return parts
}

func TestLimits(t *testing.T) {
	feed, err := ParseFeed(calendarOf(events(3, "RRULE:FREQ=DAILY\r\n")...), ParseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		limits   Limits
		shifts   int
		problems int
	}{
		{Limits{}, 30, 0},
		{Limits{Instances: 30}, 30, 0},
		{Limits{Instances: 25}, 25, 1},
		{Limits{Instances: 5}, 0, 3}, // each series alone is too long
		{Limits{Steps: 20}, 0, 3},
	} {
		shifts, problems := feed.Shifts(from, from.AddDate(0, 0, 10), people(), c.limits)
		if len(shifts) != c.shifts || len(problems) != c.problems {
			t.Errorf("%+v: %d shifts and %v, want %d and %d problems", c.limits, len(shifts), problems, c.shifts, c.problems)
		}
	}
}
