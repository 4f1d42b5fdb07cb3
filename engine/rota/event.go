package rota

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Event is one VEVENT: an event, a series of them, or an instance of a series
// that differs from it.
type Event struct {
	UID       string
	Title     string
	Line      int  // in the feed, from 1
	AllDay    bool // its times are dates
	Cancelled bool

	sequence  int
	start     stamp
	length    int64          // on the wall clock, in seconds; at least 1 but where the series gives it
	zone      *time.Location // whose clock its instances are read on
	attendees []attendee
	rules     []*rule
	exRules   []*rule
	rdates    []period
	exdates   []stamp
	near      []*time.Location // the zones that its other properties and its calendar name

	instance *stamp // RECURRENCE-ID: which instance of the series this is
	future   bool   // and all those after it
	untimed  bool   // a differing instance that keeps its time
	unended  bool   // a differing instance that keeps the series' length
}

// period is an RDATE; a length of 0 is the event's own.
type period struct {
	start  stamp
	length int64
}

type attendee struct {
	addresses []string
	name      string
	declined  bool
}

// readEvents reads a calendar's events; each that cannot be read is a problem.
func readEvents(calendar *component, z *zones) ([]Event, []Problem) {
	var events []Event
	var bad []Problem
	cancelled := strings.EqualFold(calendar.text("METHOD"), "CANCEL")
	for _, c := range calendar.parts {
		if c.name != eventName {
			continue
		}
		e, err := readEvent(c, z)
		switch {
		case err == nil:
			e.Cancelled = e.Cancelled || cancelled
			events = append(events, e)
		case errors.Is(err, errTooFrequent):
			bad = append(bad, e.problem(TooFrequent, "it repeats more often than daily, which a rota cannot follow; it was left out"))
		default:
			bad = append(bad, e.problem(BadEvent, err.Error()+"; it was left out"))
		}
	}
	return events, bad
}

func (e *Event) problem(code, message string) Problem {
	return Problem{Code: code, Message: message, UID: e.UID, Title: e.Title, Line: e.Line}
}

func readEvent(c *component, z *zones) (Event, error) {
	e := Event{UID: c.text("UID"), Title: c.text("SUMMARY"), Line: c.line, zone: z.floating}
	if e.UID == "" {
		e.UID = contentID(c)
	}
	e.near = z.near(c)
	if !c.closed {
		return e, errors.New("the event has no END:VEVENT")
	}
	e.Cancelled = strings.EqualFold(c.text("STATUS"), "CANCELLED") || strings.EqualFold(c.text("STATUS"), "CANCELED")
	e.sequence, _ = strconv.Atoi(c.text("SEQUENCE"))
	if p, ok := c.get("RECURRENCE-ID"); ok {
		at, err := z.stamp(p)
		if err != nil {
			return e, fmt.Errorf("read RECURRENCE-ID: %w", err)
		}
		e.instance = &at
		e.future = strings.EqualFold(p.param("RANGE"), "THISANDFUTURE")
	}
	if err := e.readTimes(c, z); err != nil {
		return e, err
	}
	for _, p := range c.props {
		if err := e.readList(p, z); err != nil {
			return e, err
		}
	}
	return e, nil
}

// readTimes reads DTSTART, DTEND and DURATION.
func (e *Event) readTimes(c *component, z *zones) error {
	p, ok := c.get("DTSTART")
	switch {
	case ok:
		var err error
		if e.start, err = z.stamp(p); err != nil {
			return fmt.Errorf("read DTSTART: %w", err)
		}
	case e.instance != nil:
		e.start, e.untimed = *e.instance, true
	default:
		return errors.New("the event has no DTSTART")
	}
	e.AllDay = e.start.date
	e.zone = e.start.zoneOr(z.floating)
	var err error
	e.length, err = e.readLength(c, z)
	return err
}

func (e *Event) readLength(c *component, z *zones) (int64, error) {
	length, given := int64(0), true
	if p, ok := c.get("DTEND"); ok {
		end, err := z.stamp(p)
		if err != nil {
			return 0, fmt.Errorf("read DTEND: %w", err)
		}
		if e.AllDay {
			end = e.dayStamp(end)
		}
		length = int64(end.on(e.zone) - e.start.at)
		if e.AllDay && length == 0 { // written for a day by programs that take DTEND as the last day
			length = secondsPerDay
		}
	} else if p, ok := c.get("DURATION"); ok {
		var err error
		if length, err = parseSpan(p.value); err != nil {
			return 0, fmt.Errorf("read DURATION: %w", err)
		}
	} else {
		given = false
		if e.AllDay {
			length = secondsPerDay
		}
	}
	switch {
	case !given && e.instance != nil:
		e.unended = true
		return 0, nil
	case !given && !e.AllDay:
		return 0, errors.New("the event has no end")
	case e.Cancelled:
		return max(length, 1), nil // it only has to name what is cancelled
	case length <= 0:
		return 0, errors.New("the event ends before it begins")
	case length > longestSpan:
		return 0, errors.New("the event is longer than ten years")
	}
	return length, nil
}

// readList reads one of the properties that an event may have several of.
func (e *Event) readList(p property, z *zones) error {
	switch p.name {
	case "ATTENDEE":
		e.attendees = append(e.attendees, attendee{
			addresses: []string{p.address(), strings.TrimSpace(p.param("EMAIL"))},
			name:      p.param("CN"),
			declined:  strings.EqualFold(p.param("PARTSTAT"), "DECLINED"),
		})
	case "RRULE", "EXRULE":
		r, err := parseRule(p.value, e.zone)
		if err != nil {
			return err
		}
		if p.name == "EXRULE" {
			e.exRules = append(e.exRules, r)
		} else {
			e.rules = append(e.rules, r)
		}
	case "RDATE":
		for item := range strings.SplitSeq(p.value, ",") {
			if strings.TrimSpace(item) == "" {
				continue
			}
			d, err := readPeriod(item, p, z, e.zone)
			if err != nil {
				return fmt.Errorf("read RDATE: %w", err)
			}
			e.rdates = append(e.rdates, d)
		}
	case "EXDATE":
		for item := range strings.SplitSeq(p.value, ",") {
			if strings.TrimSpace(item) == "" {
				continue
			}
			d, err := parseStamp(item, z.zone(p.param("TZID")))
			if err != nil {
				return fmt.Errorf("read EXDATE: %w", err)
			}
			e.exdates = append(e.exdates, d)
		}
	}
	return nil
}

// readPeriod reads one RDATE: a date, a time, or START/END or START/DURATION.
func readPeriod(item string, p property, z *zones, own *time.Location) (period, error) {
	zone := z.zone(p.param("TZID"))
	first, second, ranged := strings.Cut(item, "/")
	start, err := parseStamp(first, zone)
	if err != nil || !ranged {
		return period{start: start}, err
	}
	var length int64
	if second = strings.TrimSpace(second); strings.HasPrefix(strings.TrimLeft(second, "+-"), "P") {
		length, err = parseSpan(second)
	} else {
		var end stamp
		end, err = parseStamp(second, zone)
		length = int64(end.on(own) - start.on(own))
	}
	if err == nil && (length <= 0 || length > longestSpan) {
		err = fmt.Errorf("%s is not a period", quote(item))
	}
	return period{start, length}, err
}

// contentID stands for the UID of an event that has none: the same for the same
// event at each read.
func contentID(c *component) string {
	h := sha256.New()
	for _, p := range c.props {
		fmt.Fprintf(h, "%s=%s\n", p.name, p.value)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
