package cron

import "time"

// lookBack covers every gap and every doubled hour of the tz database: a whole
// day was left out in Samoa, and one came twice on Kwajalein.
const lookBack = 2 * secondsPerDay

// Next returns the first instant after the given one at which the expression
// fires on the clock of zone, in UTC; false if it never does. A slot that the
// clock leaves out moves forward by the gap. Of a slot that comes twice the
// first counts, but both do where the hour is * or a step.
func (x *Expression) Next(after time.Time, zone *time.Location) (time.Time, bool) {
	from := after.Unix() - lookBack
	slot, ok := x.wall(from - lookBack)
	if !ok {
		return time.Time{}, false
	}
	from = max(from, slot-lookBack)
	best := never
	shown := -never // the latest reading so far
	var before int64
	for n := 0; ; n++ {
		s := stretchAt(from, zone)
		if best < s.start {
			return time.Unix(best, 0).UTC(), true
		}
		if n > 0 && s.offset > before { // left out: these are read as if the clock had not been changed
			best = min(best, x.first(max(shown, after.Unix()+1+before), s.start+s.offset, before))
		}
		low := max(s.start, after.Unix()+1) + s.offset
		if !x.everyHour {
			low = max(low, shown)
		}
		best = min(best, x.first(low, s.end+s.offset, s.offset))
		if best < s.end {
			return time.Unix(best, 0).UTC(), true
		}
		shown, before, from = max(shown, s.end+s.offset), s.offset, s.end
	}
}

// never is later than all instants, with room to add an offset.
const never = int64(1) << 60

// first returns the instant of the first slot in [low, high), on a clock with
// that offset, or never.
func (x *Expression) first(low, high, offset int64) int64 {
	if low < high {
		if w, ok := x.wall(low); ok && w < high {
			return w - offset
		}
	}
	return never
}

// stretch is a span of time in which a zone's clock is not changed.
type stretch struct{ start, end, offset int64 }

// stretchAt returns the stretch with the instant, from that on.
func stretchAt(from int64, zone *time.Location) stretch {
	at := time.Unix(from, 0).In(zone)
	_, offset := at.Zone()
	s := stretch{from, never - lookBack, int64(offset)}
	if _, end := at.ZoneBounds(); !end.IsZero() {
		s.end = end.Unix()
	}
	return s
}
