package rota

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// LoadZone returns the time zone of an IANA or a Windows name. It reads Go's
// time zone database; "" and "Local" are no names.
func LoadZone(name string) (*time.Location, error) {
	if zone := ianaZone(name); zone != nil {
		return zone, nil
	}
	if zone := loadWindowsZone(name); zone != nil {
		return zone, nil
	}
	return nil, fmt.Errorf("no time zone is called %s", quote(name))
}

// ianaZone also knows the names that programs put a prefix to, such as
// /mozilla.org/20050126_1/Europe/Berlin.
func ianaZone(name string) *time.Location {
	name = strings.Trim(strings.TrimSpace(name), `"`)
	if !strings.HasPrefix(name, "/") {
		return loadIANA(name)
	}
	parts := strings.Split(strings.Trim(name, "/"), "/")
	for n := min(3, len(parts)); n > 0; n-- {
		if zone := loadIANA(strings.Join(parts[len(parts)-n:], "/")); zone != nil {
			return zone
		}
	}
	return nil
}

func loadIANA(name string) *time.Location {
	if strings.EqualFold(name, "UTC") || name == "Z" {
		return time.UTC
	}
	if name == "" || len(name) > 64 || name == "Local" || name == "localtime" || name == "posixrules" || strings.IndexFunc(name, notInZoneName) >= 0 {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return zone
}

func notInZoneName(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '/' || r == '_' || r == '-' || r == '+')
}

func loadWindowsZone(name string) *time.Location {
	name = strings.ToLower(strings.Trim(strings.TrimSpace(name), `"`))
	return loadIANA(windowsZone(strings.TrimPrefix(name, "tzone://microsoft/")))
}

// zones resolves the zone names of one calendar.
type zones struct {
	floating    *time.Location // X-WR-TIMEZONE, else the rota's zone
	definitions map[string]*component
	defined     []string // the first few names of these, in order
	compiled    int
	known       map[string]*time.Location
	problems    []Problem
}

// maxCompiled bounds the VTIMEZONEs of a calendar that are read.
const maxCompiled = 200

// maxNear bounds how many of a calendar's zones are tried for an event.
const maxNear = 8

func newZones(calendar *component, rotaZone *time.Location) *zones {
	z := &zones{floating: rotaZone, definitions: map[string]*component{}, known: map[string]*time.Location{}}
	for _, c := range calendar.parts {
		if c.name == "VTIMEZONE" {
			if id := c.text("TZID"); z.definitions[id] == nil {
				z.definitions[id] = c
				if len(z.defined) < maxNear {
					z.defined = append(z.defined, id)
				}
			}
		}
	}
	name := calendar.text("X-WR-TIMEZONE")
	if name == "" {
		name = calendar.text("TIMEZONE-ID")
	}
	if name != "" {
		if zone, why := z.find(name); zone != nil {
			z.floating = zone
		} else {
			z.report(name, why)
		}
	}
	return z
}

// zone returns the zone that a TZID stands for; "" is floating and gives nil.
// A name that nothing explains stands for the calendar's own zone.
func (z *zones) zone(id string) *time.Location {
	id = strings.TrimSpace(id)
	if id == "" {
		return nil
	}
	zone, ok := z.known[id]
	if !ok {
		var why string
		if zone, why = z.find(id); zone == nil {
			zone = z.floating
			z.report(id, why)
		}
		z.known[id] = zone
	}
	return zone
}

func (z *zones) report(id, why string) {
	z.problems = append(z.problems, Problem{Code: UnknownZone,
		Message: fmt.Sprintf("the time zone %s %s; %s is taken", quote(id), why, z.floating)})
}

// find looks in order at the IANA names, the Windows names and the calendar's
// own rules.
func (z *zones) find(id string) (zone *time.Location, why string) {
	if zone = ianaZone(id); zone != nil {
		return zone, ""
	}
	definition := z.definitions[id]
	if definition != nil {
		if zone = ianaZone(definition.text("X-LIC-LOCATION")); zone != nil {
			return zone, ""
		}
	}
	if zone = loadWindowsZone(id); zone != nil {
		return zone, ""
	}
	if definition == nil {
		return nil, "is not known"
	}
	if z.compiled++; z.compiled > maxCompiled {
		return nil, "is one of too many"
	}
	zone, err := compileZone(id, definition)
	if err != nil {
		return nil, "cannot be used: " + err.Error()
	}
	return zone, ""
}

// near lists the zones that are named beside an event: by its own properties,
// then by the calendar's definitions.
func (z *zones) near(c *component) []*time.Location {
	var list []*time.Location
	add := func(id string) {
		if zone := z.zone(id); zone != nil && zone != time.UTC && !slices.Contains(list, zone) {
			list = append(list, zone)
		}
	}
	for _, p := range c.props {
		if id := p.param("TZID"); id != "" {
			add(id)
		}
	}
	for _, id := range z.defined {
		add(id)
	}
	return list
}

// stamp reads a property's DATE or DATE-TIME in the zone that it names.
func (z *zones) stamp(p property) (stamp, error) {
	return parseStamp(p.value, z.zone(p.param("TZID")))
}
