package engine

import (
	"errors"
	"fmt"
	"moonwatch/engine/form"
	"moonwatch/engine/rota"
	"strings"
	"time"
	"unicode/utf8"
)

// problems collects complaints about one object.
type problems struct{ list form.Errors }

func (p *problems) add(location, code, format string, args ...any) {
	p.list = append(p.list, form.Error{Location: location, Code: code, Message: fmt.Sprintf(format, args...)})
}

func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Message: "the values were not accepted", Fields: p.list}
}

const (
	nameMost    = 200
	urlMost     = 2048
	tagMost     = 100
	tagsMost    = 50
	commentMost = 2000
)

func (p *problems) text(location, value string, required bool, most int) {
	switch {
	case required && strings.TrimSpace(value) == "":
		p.add(location, "required", "this is required")
	case utf8.RuneCountInString(value) > most:
		p.add(location, "max", "at most %d characters", most)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		p.add(location, "invalid", "this is not text")
	case most <= nameMost && strings.ContainsAny(value, "\r\n"):
		p.add(location, "invalid", "this must be one line")
	}
}

func (p *problems) link(location, value string) {
	if value == "" {
		return
	}
	if utf8.RuneCountInString(value) > urlMost {
		p.add(location, "max", "at most %d characters", urlMost)
	} else if !form.ValidURL(value) {
		p.add(location, "invalid", "write a URL that begins with http:// or https://")
	}
}

func (p *problems) tags(tags []string) {
	if len(tags) > tagsMost {
		p.add("tags", "max", "at most %d tags", tagsMost)
		return
	}
	for i, t := range tags {
		if plain := strings.TrimSpace(t); plain != t { // they are compared as they are
			t, tags[i] = plain, plain
		}
		before := len(p.list)
		if p.text(at("tags", i), t, true, tagMost); len(p.list) == before {
			p.visible(at("tags", i), t)
		}
	}
}

func (p *problems) span(location string, d Duration, least, most time.Duration) {
	switch {
	case d.Std() < least:
		p.add(location, "min", "at least %s", form.FormatDuration(least))
	case d.Std() > most:
		p.add(location, "max", "at most %s", form.FormatDuration(most))
	}
}

func (p *problems) severity(location string, s Status) {
	if !s.IsSeverity() {
		p.add(location, "invalid", "one of WARNING, ERROR and CRITICAL")
	}
}

const year = 365 * 24 * time.Hour

// loadZone returns the time zone of a name, as rotas read it.
func loadZone(name string) (*time.Location, error) {
	zone, err := rota.LoadZone(name)
	if err != nil {
		return nil, errors.New("write an IANA time zone, such as Europe/Berlin")
	}
	return zone, nil
}

// zone complains about a time zone that is none; else it is kept by its IANA
// name, "" as UTC, so that whoever reads it finds the zone that was meant.
func (p *problems) zone(location string, name *string) {
	if *name == "" {
		*name = "UTC"
	}
	if zone, err := loadZone(*name); err != nil {
		p.add(location, "invalid", "%s", err)
	} else {
		*name = zone.String()
	}
}

func at(location string, i int) string { return fmt.Sprintf("%s[%d]", location, i) }

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
