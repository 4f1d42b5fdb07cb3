package rota

import (
	"strings"
	"testing"
	"time"
)

// dutyDays are the days on which Ada has a shift, as the clock of zone shows
// their beginning.
func dutyDays(t *testing.T, zone, event string) string {
	t.Helper()
	text := "BEGIN:VCALENDAR\nVERSION:2.0\n" + strings.TrimSpace(event) + "\nEND:VCALENDAR\n"
	feed, err := ParseFeed([]byte(text), ParseOptions{Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	clock, err := LoadZone(zone)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	shifts, problems := feed.Shifts(from, from.AddDate(0, 6, 0), people(), Limits{})
	if len(problems)+len(feed.Problems) > 0 {
		t.Fatalf("problems: %v %v", feed.Problems, problems)
	}
	var days []string
	for _, s := range shifts {
		if begin := s.Start.In(clock); s.User == "ada" {
			if begin.Hour()+begin.Minute() > 0 {
				t.Errorf("a day begins at %s", begin)
			}
			days = append(days, begin.Format("2"))
		}
	}
	return strings.Join(days, " ")
}

// TestAllDayByCalendarDays takes all-day series as programs write the properties
// beside them, in rotas of any zone: a day is that of the property's own clock.
func TestAllDayByCalendarDays(t *testing.T) {
	const berlin = `
BEGIN:VTIMEZONE
TZID:Our office
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
`
	series := func(properties string) string {
		return "BEGIN:VEVENT\nUID:1\nSUMMARY:Ada\nDTSTART;VALUE=DATE:20261202\n" + properties + "\nEND:VEVENT\n"
	}
	instance := func(properties string) string {
		return "BEGIN:VEVENT\nUID:1\nSUMMARY:Grace\n" + properties + "\nEND:VEVENT\n"
	}
	const five = "RRULE:FREQ=DAILY;COUNT=5"
	for _, c := range []struct{ name, feed, want string }{
		{"EXDATE as Exchange writes it", series(five + "\nEXDATE;TZID=W. Europe Standard Time:20261204T000000"), "2 3 5 6"},
		{"EXDATE of a zone in the east", series(five + "\nEXDATE;TZID=Pacific/Kiritimati:20261204T000000,20261205T000000"), "2 3 6"},
		{"EXDATE of a zone in the west", series(five + "\nEXDATE;TZID=Pacific/Pago_Pago:20261204T000000"), "2 3 5 6"},
		{"EXDATE as a date", series(five + "\nEXDATE;VALUE=DATE:20261204"), "2 3 5 6"},
		{"EXDATE as a floating time", series(five + "\nEXDATE:20261204T000000"), "2 3 5 6"},
		{"EXDATE at a time of the day", series(five + "\nEXDATE;TZID=Europe/Berlin:20261204T093000"), "2 3 5 6"},
		{"EXDATE as a midnight in UTC", series(five + "\nEXDATE:20261204T000000Z"), "2 3 5 6"},
		{"EXDATE as Berlin's midnight in UTC", berlin + series(five+"\nEXDATE:20261203T230000Z"), "2 3 5 6"},
		{"EXDATE as Sydney's midnight in UTC", series(five + "\nEXDATE:20261203T130000Z"), "2 3 5 6"},
		{"EXDATE as New York's midnight in UTC", series(five + "\nEXDATE:20261204T050000Z"), "2 3 5 6"},
		{"RDATE beside a zone", series(five + "\nRDATE;TZID=W. Europe Standard Time:20261210T000000"), "2 3 4 5 6 10"},
		{"UNTIL as a date", series("RRULE:FREQ=DAILY;UNTIL=20261205"), "2 3 4 5"},
		{"UNTIL as a floating time", series("RRULE:FREQ=DAILY;UNTIL=20261205T000000"), "2 3 4 5"},
		{"UNTIL as a midnight in UTC", series("RRULE:FREQ=DAILY;UNTIL=20261205T000000Z"), "2 3 4 5"},
		{"UNTIL as the last second in UTC", series("RRULE:FREQ=DAILY;UNTIL=20261205T235959Z"), "2 3 4 5"},
		{"UNTIL as the midnight of the zone beside it", series("RRULE:FREQ=DAILY;UNTIL=20261204T230000Z\nEXDATE;TZID=W. Europe Standard Time:20261203T000000"), "2 4 5"},
		{"UNTIL as the midnight of the calendar's zone", berlin + series("RRULE:FREQ=DAILY;UNTIL=20261204T230000Z"), "2 3 4 5"},
		{"UNTIL as a midnight of the east", series("RRULE:FREQ=DAILY;UNTIL=20261204T150000Z"), "2 3 4 5"},
		{"RECURRENCE-ID beside a zone", series(five) + instance("RECURRENCE-ID;TZID=W. Europe Standard Time:20261204T000000\nDTSTART;VALUE=DATE:20261204"), "2 3 5 6"},
		{"RECURRENCE-ID without a time of its own", series(five) + instance("RECURRENCE-ID;TZID=Pacific/Kiritimati:20261204T000000"), "2 3 5 6"},
		{"a cancelled instance", series(five) + instance("RECURRENCE-ID;TZID=Pacific/Kiritimati:20261204T000000\nSTATUS:CANCELLED"), "2 3 5 6"},
		{"this and all that follow", series(five) + instance("RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Pacific/Kiritimati:20261204T000000\nDTSTART;VALUE=DATE:20261204"), "2 3"},
		{"DTEND beside a zone", "BEGIN:VEVENT\nUID:1\nSUMMARY:Ada\nDTSTART;VALUE=DATE:20261202\nDTEND;TZID=W. Europe Standard Time:20261203T000000\nEND:VEVENT", "2"},
	} {
		for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"} {
			if got := dutyDays(t, zone, c.feed); got != c.want {
				t.Errorf("%s in a rota of %s: %s, want %s", c.name, zone, got, c.want)
			}
		}
	}
}

// TestUntilIsAnInstant takes an UNTIL in UTC within a doubled hour and behind a
// gap: each instance is compared as the instant it is.
func TestUntilIsAnInstant(t *testing.T) {
	const event = "BEGIN:VEVENT\nUID:1\nSUMMARY:Ada\nDTSTART;TZID=Europe/Berlin:20261020T023000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=%\nEND:VEVENT"
	for until, want := range map[string]int{
		"20261025T010000Z": 6, // 02:30 of the 25th came at 00:30Z, and the clock shows 02:00 again
		"20261025T003000Z": 6,
		"20261025T002959Z": 5,
		"20261025T022959":  5, // wall time
		"20261025T023000":  6,
		"20261025":         6,
		"20261024":         5,
	} {
		feed, err := ParseFeed([]byte("BEGIN:VCALENDAR\n"+strings.Replace(event, "%", until, 1)+"\nEND:VCALENDAR\n"), ParseOptions{Zone: "Asia/Tokyo"})
		if err != nil {
			t.Fatal(err)
		}
		from := at(t, "2026-10-01T00:00Z")
		if shifts, _ := feed.Shifts(from, from.AddDate(0, 2, 0), people(), Limits{}); len(shifts) != want {
			t.Errorf("UNTIL=%s: %d shifts, want %d", until, len(shifts), want)
		}
	}
}
