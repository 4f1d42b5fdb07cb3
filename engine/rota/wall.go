package rota

import "time"

// wall is a wall-clock reading: seconds since 1970-01-01T00:00 on a clock that
// is never changed. It becomes an instant only together with a zone.
type wall int64

const (
	secondsPerDay = 24 * 60 * 60
	// widestOffset bounds how far any zone's clock is from UTC, in seconds.
	widestOffset = 18 * 60 * 60
)

func wallDate(year int, month time.Month, day, hour, minute, second int) wall {
	return wall(time.Date(year, month, day, hour, minute, second, 0, time.UTC).Unix())
}

// wallOf reads the clock of zone at the instant t.
func wallOf(t time.Time, zone *time.Location) wall {
	_, offset := t.In(zone).Zone()
	return wall(t.Unix() + int64(offset))
}

// day counts whole days since 1970-01-01.
func (w wall) day() int { return int(floorDiv(int64(w), secondsPerDay)) }

// ofDay is the time of day in seconds.
func (w wall) ofDay() int { return int(int64(w) - floorDiv(int64(w), secondsPerDay)*secondsPerDay) }

func (w wall) utc() time.Time { return time.Unix(int64(w), 0).UTC() }

// FromWall returns the instant at which the clock of zone shows what t shows in
// UTC. A reading that the clock leaves out moves forward by the gap, one that it
// shows twice is the first.
func FromWall(t time.Time, zone *time.Location) time.Time {
	return wall(t.Unix()).in(zone)
}

// ToWall returns what the clock of zone shows at the instant t, written in UTC.
func ToWall(t time.Time, zone *time.Location) time.Time { return wallOf(t, zone).utc() }

// in resolves the reading to an instant in UTC. A reading that the zone's clock
// shows twice is the first; one that it leaves out moves forward by the gap.
func (w wall) in(zone *time.Location) time.Time {
	if zone == time.UTC {
		return w.utc()
	}
	at := time.Unix(int64(w)-widestOffset, 0).In(zone)
	for {
		_, offset := at.Zone()
		instant := int64(w) - int64(offset)
		_, end := at.ZoneBounds()
		if end.IsZero() || instant < end.Unix() {
			return time.Unix(instant, 0).UTC()
		}
		next := end.In(zone)
		if _, after := next.Zone(); int64(w)-int64(after) < end.Unix() {
			return time.Unix(instant, 0).UTC() // in the gap
		}
		at = next
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
