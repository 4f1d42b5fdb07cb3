package rota

import (
	"bytes"
	"fmt"
	"time"
)

// The bounds of a feed.
const (
	MaxBytes  = 5 << 20
	MaxEvents = 10_000
)

// Feed is a calendar that was read. It is not changed afterwards.
type Feed struct {
	// Events holds every event that could be read, cancelled ones too. When it
	// is empty, a rota that had shifts should keep them.
	Events   []Event
	Problems []Problem
	Zone     string // of all-day and floating times
}

// ParseOptions are what a feed does not say itself.
type ParseOptions struct {
	Zone string // the rota's time zone, an IANA name; "" is UTC
}

func errTooLarge() error {
	return &FeedError{TooLarge, "the calendar is larger than 5 MB"}
}

// ParseFeed reads an iCalendar feed. What cannot be used of a feed that is
// otherwise whole becomes a problem; a feed that is not whole, or not a
// calendar, is a *FeedError. Any other error is about the options.
func ParseFeed(data []byte, o ParseOptions) (*Feed, error) {
	zone := time.UTC
	if o.Zone != "" {
		var err error
		if zone, err = LoadZone(o.Zone); err != nil {
			return nil, err
		}
	}
	if len(data) > MaxBytes {
		return nil, errTooLarge()
	}
	t, err := readTree(decode(data), MaxEvents)
	if err != nil {
		return nil, err
	}
	if len(t.calendars) == 0 {
		return nil, noCalendar(decode(data))
	}
	if t.cut {
		return nil, &FeedError{CutShort, "the calendar is cut short: END:VCALENDAR is missing"}
	}
	feed := &Feed{}
	var found problems
	if t.badLines > 0 {
		found.add(Problem{Code: BadLine, Line: t.firstBad, Message: badLines(t.badLines)})
	}
	for i, c := range t.calendars {
		z := newZones(c, zone)
		if i == 0 {
			feed.Zone = z.floating.String()
		}
		events, bad := readEvents(c, z)
		feed.Events = append(feed.Events, events...)
		found.add(z.problems...)
		found.add(bad...)
	}
	if len(feed.Events) == 0 {
		found.add(Problem{Code: NoEvents, Message: "the calendar holds no events"})
	}
	feed.Problems = found.all()
	return feed, nil
}

func badLines(n int) string {
	if n == 1 {
		return "this line is not iCalendar and was left out"
	}
	return fmt.Sprintf("%d lines, this one first, are not iCalendar and were left out", n)
}

// noCalendar says what a feed without a calendar is instead.
func noCalendar(data []byte) error {
	start := bytes.ToLower(bytes.TrimSpace(data[:min(len(data), 4096)]))
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return &FeedError{Empty, "the calendar is empty"}
	case bytes.HasPrefix(start, []byte("<")):
		return &FeedError{HTML, "the address answers with a web page, not with a calendar"}
	}
	return &FeedError{NotCalendar, "this is not an iCalendar feed: BEGIN:VCALENDAR is missing"}
}
