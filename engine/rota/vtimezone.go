package rota

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// onset is the instant at which a zone's clock takes on an offset from UTC.
type onset struct {
	at       int64 // seconds since 1970
	from, to int   // offsets in seconds
	summer   bool
}

const (
	zoneYearsFrom = 1970
	zoneYearsTo   = 2101
	zoneSteps     = 1_000_000
	maxOnsets     = 2_000
)

// compileZone makes a time zone of a VTIMEZONE's STANDARD and DAYLIGHT rules,
// as far as the year 2100.
func compileZone(id string, definition *component) (*time.Location, error) {
	var all []onset
	steps := budget(zoneSteps)
	for _, part := range definition.parts {
		if part.name != "STANDARD" && part.name != "DAYLIGHT" {
			continue
		}
		onsets, err := onsetsOf(part, &steps)
		if err != nil {
			return nil, err
		}
		if all = append(all, onsets...); len(all) > maxOnsets {
			return nil, errors.New("it has too many clock changes")
		}
	}
	if len(all) == 0 {
		return nil, errors.New("it has no rules")
	}
	changes, err := realChanges(all)
	if err != nil {
		return nil, err
	}
	file, err := zoneFile(changes)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(id, file)
}

// onsetsOf lists the onsets of one STANDARD or DAYLIGHT part.
func onsetsOf(part *component, steps *budget) ([]onset, error) {
	to, err := parseOffset(part.text("TZOFFSETTO"))
	if err != nil {
		return nil, err
	}
	from := to
	if text := part.text("TZOFFSETFROM"); text != "" {
		if from, err = parseOffset(text); err != nil {
			return nil, err
		}
	}
	start, err := parseStamp(part.text("DTSTART"), nil)
	if err != nil {
		return nil, err
	}
	var list []onset
	add := func(w wall) bool {
		list = append(list, onset{int64(w) - int64(from), from, to, part.name == "DAYLIGHT"})
		return len(list) <= maxOnsets
	}
	add(start.at)
	// Onsets are read on the clock before the change, and so is UNTIL.
	before := time.FixedZone("", from)
	for _, p := range part.props {
		switch p.name {
		case "RRULE":
			r, err := parseRule(p.value, nil)
			if err != nil {
				return nil, err
			}
			s := newSeries(*r, start.at, false, before)
			first, past := wallDate(zoneYearsFrom, 1, 1, 0, 0, 0), wallDate(zoneYearsTo, 1, 1, 0, 0, 0)
			if err := s.between(first, past, steps, add); err != nil {
				return nil, err
			}
		case "RDATE":
			for item := range strings.SplitSeq(p.value, ",") {
				s, err := parseStamp(item, nil)
				if err != nil {
					return nil, err
				}
				add(s.on(before))
			}
		}
	}
	return list, nil
}

// realChanges orders the onsets and leaves those that move the clock, the first
// one always. Before 1970 only the last counts: a rule's DTSTART is often
// 1601-01-01 for either half of the year.
func realChanges(all []onset) ([]onset, error) {
	slices.SortStableFunc(all, func(a, b onset) int {
		if a.at != b.at {
			return int(min(1, max(-1, a.at-b.at)))
		}
		return a.to - b.to
	})
	changes := all[:1:1]
	for _, o := range all[1:] {
		last := changes[len(changes)-1]
		switch {
		case o.to == last.to:
		case o.at < 0 && o.at-last.at < secondsPerDay:
			changes[len(changes)-1] = o
		case o.at-last.at < secondsPerDay:
			return nil, fmt.Errorf("its clock changes twice on %s", wall(o.at).utc().Format(time.DateOnly))
		default:
			changes = append(changes, o)
		}
	}
	return changes, nil
}

// zoneFile writes a zone in the form of RFC 8536, which is the one way to give
// rules of one's own to a time.Location.
func zoneFile(changes []onset) ([]byte, error) {
	type kind struct {
		offset int
		summer bool
	}
	kinds := []kind{{changes[0].from, false}} // before the first change
	index := make([]byte, len(changes))
	for i, o := range changes {
		k := kind{o.to, o.summer}
		n := slices.Index(kinds[1:], k) + 1
		if n == 0 {
			n = len(kinds)
			kinds = append(kinds, k)
		}
		index[i] = byte(n)
	}
	if len(kinds) > 255 {
		return nil, errors.New("it has too many offsets")
	}
	var b bytes.Buffer
	write := func(v any) { _ = binary.Write(&b, binary.BigEndian, v) } // a buffer takes every write
	header := func(times, kinds, letters int) {
		b.WriteString("TZif2")
		b.Write(make([]byte, 15))
		write([]uint32{0, 0, 0, uint32(times), uint32(kinds), uint32(letters)})
	}
	header(0, 0, 0) // the part for readers of 32 bits
	header(len(changes), len(kinds), 1)
	for _, o := range changes {
		write(o.at)
	}
	b.Write(index)
	for _, k := range kinds {
		write(int32(k.offset))
		write(k.summer)
		b.WriteByte(0)
	}
	b.WriteByte(0) // one empty abbreviation
	b.WriteString("\n\n")
	return b.Bytes(), nil
}
