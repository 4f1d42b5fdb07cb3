package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"moonwatch/engine/form"
	"moonwatch/engine/rota"
)

// Problems collects complaints about one object.
type Problems struct{ List form.Errors }

func (p *Problems) Add(location, code, format string, args ...any) {
	p.List = append(p.List, form.Error{Location: location, Code: code, Message: fmt.Sprintf(format, args...)})
}

func (p *Problems) Err() error {
	if len(p.List) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Message: "the values were not accepted", Fields: p.List}
}

const (
	maxName    = 200
	maxURL     = 2048
	maxTag     = 100
	maxTags    = 50
	MaxComment = 2000
)

func (p *Problems) Text(location, value string, required bool, most int) {
	switch {
	case required && strings.TrimSpace(value) == "":
		p.Add(location, "required", "This field is required.")
	case utf8.RuneCountInString(value) > most:
		p.Add(location, "max", "at most %d characters", most)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		p.Add(location, "invalid", "this is not text")
	case most <= maxName && strings.ContainsAny(value, "\r\n"):
		p.Add(location, "invalid", "this must be one line")
	}
}

func (p *Problems) Link(location, value string) {
	if value == "" {
		return
	}
	if utf8.RuneCountInString(value) > maxURL {
		p.Add(location, "max", "at most %d characters", maxURL)
	} else if !form.ValidURL(value) {
		p.Add(location, "invalid", "write a URL that begins with http:// or https://")
	}
}

func (p *Problems) Tags(tags []string) {
	if len(tags) > maxTags {
		p.Add("tags", "max", "at most %d tags", maxTags)
		return
	}
	for i, t := range tags {
		if plain := strings.TrimSpace(t); plain != t { // they are compared as they are
			t, tags[i] = plain, plain
		}
		before := len(p.List)
		if p.Text(At("tags", i), t, true, maxTag); len(p.List) == before {
			p.visible(At("tags", i), t)
		}
	}
}

func (p *Problems) Span(location string, d Duration, least, most time.Duration) {
	switch {
	case d.Std() < least:
		p.Add(location, "min", "at least %s", form.FormatDuration(least))
	case d.Std() > most:
		p.Add(location, "max", "at most %s", form.FormatDuration(most))
	}
}

func (p *Problems) Severity(location string, s Status) {
	if !s.IsSeverity() {
		p.Add(location, "invalid", "one of WARNING, ERROR and CRITICAL")
	}
}

const Year = 365 * 24 * time.Hour

// LoadZone returns the time zone of a name, as rotas read it.
func LoadZone(name string) (*time.Location, error) {
	zone, err := rota.LoadZone(name)
	if err != nil {
		return nil, errors.New("write an IANA time zone, such as Europe/Berlin")
	}
	return zone, nil
}

// Zone complains about a time zone that is none; else it is kept by its IANA
// name, "" as UTC, so that whoever reads it finds the zone that was meant.
func (p *Problems) Zone(location string, name *string) {
	if *name == "" {
		*name = "UTC"
	}
	if zone, err := LoadZone(*name); err != nil {
		p.Add(location, "invalid", "%s", err)
	} else {
		*name = zone.String()
	}
}

func At(location string, i int) string { return fmt.Sprintf("%s[%d]", location, i) }

var Weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
