// Package rota turns calendars into shifts: who is on call, from when to when.
//
// ParseFeed reads an iCalendar feed (RFC 5545) as calendars in the wild write
// it; Feed.Shifts expands it over a span of time. Rotation is the rota that is
// made by hand, Apply lays overrides over either, and OnCall, Until and Gaps
// answer from the shifts. WriteFeed writes shifts as a feed.
//
// Everything is a pure function of its arguments: nothing reads a clock, a
// network or a file but Go's time zone database. Values that are parsed or
// built once may be read by many goroutines.
//
// Recurrences are computed here, in wall time, rather than by a library: each
// has a bound in steps and in instances, and starts at the span that is asked
// for. Where RFC 5545 leaves a choice:
//
//   - Shifts are half-open. A shift's start and end are wall time; the end is
//     the start plus the wall-clock difference of DTSTART and DTEND, and so a
//     DURATION is counted on the wall clock as well.
//   - A local time that a clock change leaves out moves forward by the gap, one
//     that it doubles is the first.
//   - DTSTART is the first instance even where the rule would not yield it.
//   - All-day and floating times are in the calendar's zone (X-WR-TIMEZONE),
//     else in the rota's.
package rota
