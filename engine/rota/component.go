package rota

import "strings"

// component is BEGIN:NAME … END:NAME with the properties that shifts depend on.
type component struct {
	name   string
	line   int
	closed bool
	props  []property
	parts  []*component
}

// get returns the first property of a name.
func (c *component) get(name string) (property, bool) {
	for _, p := range c.props {
		if p.name == name {
			return p, true
		}
	}
	return property{}, false
}

// text returns the text of the first property of a name, "" when it is absent.
func (c *component) text(name string) string {
	p, _ := c.get(name)
	return p.text()
}

const (
	calendarName = "VCALENDAR"
	eventName    = "VEVENT"
	deepest      = 8 // components within components that are looked at
)

// tree reads a feed's components.
type tree struct {
	calendars []*component
	stack     []*component
	skipped   int // components open beyond the deepest
	events    int
	badLines  int
	firstBad  int // number of the first bad line
	cut       bool
}

func readTree(data []byte, maxEvents int) (*tree, error) {
	t := &tree{}
	source := lines{rest: data, next: 1}
	for {
		p, valid, ok := source.property()
		switch {
		case !ok:
			t.cut = t.cut || len(t.stack) > 0
			return t, nil
		case !valid:
			t.bad(p.line)
		case p.name == "BEGIN":
			t.begin(strings.ToUpper(strings.TrimSpace(p.value)), p.line)
		case p.name == "END":
			t.end(strings.ToUpper(strings.TrimSpace(p.value)), p.line)
		case len(t.stack) > 0 && t.skipped == 0 && matters(p.name):
			top := t.stack[len(t.stack)-1]
			top.props = append(top.props, p)
		}
		if t.events > maxEvents {
			return nil, &FeedError{TooManyEvents, "the calendar has more than 10,000 events"}
		}
	}
}

func (t *tree) bad(line int) {
	if t.badLines == 0 {
		t.firstBad = line
	}
	t.badLines++
}

func (t *tree) begin(name string, line int) {
	switch name {
	case calendarName:
		t.cut = t.cut || len(t.stack) > 0
		t.stack, t.skipped = nil, 0
	case eventName:
		// An event is never inside another one: the one before lacks its end.
		for len(t.stack) > 1 {
			t.stack = t.stack[:len(t.stack)-1]
		}
		t.skipped = 0
		if len(t.stack) > 0 {
			t.events++
		}
	}
	switch {
	case len(t.stack) == 0 && name != calendarName: // not in a calendar
		return
	case t.skipped > 0 || len(t.stack) == deepest:
		t.skipped++
		return
	}
	c := &component{name: name, line: line}
	if len(t.stack) == 0 {
		t.calendars = append(t.calendars, c)
	} else {
		top := t.stack[len(t.stack)-1]
		top.parts = append(top.parts, c)
	}
	t.stack = append(t.stack, c)
}

func (t *tree) end(name string, line int) {
	if t.skipped > 0 && name != calendarName {
		t.skipped--
		return
	}
	for i := len(t.stack) - 1; i >= 0; i-- {
		if t.stack[i].name == name {
			t.stack[i].closed = true
			t.stack, t.skipped = t.stack[:i], 0
			return
		}
	}
	t.bad(line)
}

// matters reports whether shifts depend on a property of this name.
func matters(name string) bool {
	switch name {
	case "UID", "SUMMARY", "ATTENDEE", "STATUS", "SEQUENCE", "METHOD",
		"DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID",
		"TZID", "TZOFFSETFROM", "TZOFFSETTO", "X-LIC-LOCATION", "X-WR-TIMEZONE", "TIMEZONE-ID":
		return true
	}
	return false
}
