package rota

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWallResolves(t *testing.T) {
	for _, c := range []struct{ zone, wall, want string }{
		{"Europe/Berlin", "2026-01-05T09:00", "2026-01-05T08:00Z"},
		{"Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59Z"},
		{"Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00Z"}, // missing: 03:00
		{"Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30Z"}, // missing: 03:30
		{"Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00Z"},
		{"Europe/Berlin", "2026-10-25T01:59", "2026-10-24T23:59Z"},
		{"Europe/Berlin", "2026-10-25T02:00", "2026-10-25T00:00Z"}, // doubled: the first
		{"Europe/Berlin", "2026-10-25T02:59", "2026-10-25T00:59Z"}, // doubled: the first
		{"Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00Z"},
		{"America/New_York", "2026-03-08T02:30", "2026-03-08T07:30Z"},
		{"America/New_York", "2026-11-01T01:30", "2026-11-01T05:30Z"},
		{"Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45Z"}, // half an hour, doubled
		{"Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45Z"}, // half an hour, missing
		{"Pacific/Apia", "2011-12-30T12:00", "2011-12-30T22:00Z"},        // a day that did not exist
		{"America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00Z"},   // midnight is missing
		{"Africa/Casablanca", "2026-02-15T02:30", "2026-02-15T01:30Z"},   // doubled in February
		{"Europe/Berlin", "2100-07-01T12:00", "2100-07-01T10:00Z"},       // by the zone's last rule
		{"UTC", "2026-01-05T09:00", "2026-01-05T09:00Z"},
	} {
		zone, err := LoadZone(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := wallAt(t, c.wall).in(zone).Format(minute); got != c.want {
			t.Errorf("%s in %s: got %s, want %s", c.wall, c.zone, got, c.want)
		}
	}
}

// TestWallThereAndBack takes a reading every seven minutes around the changes
// of a year: read back, each is itself unless the clock leaves it out.
func TestWallThereAndBack(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"} {
		zone, err := LoadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		missing := 0
		from := wallAt(t, "2026-01-01T00:00")
		for w := from; w < from+366*secondsPerDay; w += 7 * 60 {
			at := w.in(zone)
			if wallOf(at, zone) != w {
				missing++
				continue
			}
			for _, earlier := range []time.Duration{30 * time.Minute, time.Hour} {
				if wallOf(at.Add(-earlier), zone) == w {
					t.Fatalf("%s in %s is not the first", w.utc(), name)
				}
			}
		}
		if missing > 10 {
			t.Errorf("%d readings of %s do not come back", missing, name)
		}
	}
}

func TestWindowsTable(t *testing.T) {
	var names []string
	for line := range strings.Lines(windowsZonesText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, zone, isRow := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !isRow || name != strings.ToLower(name) || windowsZone(name) != zone || loadIANA(zone) == nil {
			t.Errorf("%q is no row of a name in lower case and a zone that loads", line)
		}
		names = append(names, name)
	}
	if len(names) < 145 || len(names) != len(windowsZones()) {
		t.Errorf("%d rows with %d names", len(names), len(windowsZones()))
	}
	if !slices.IsSorted(names) {
		t.Error("the rows are not sorted")
	}
	for name, want := range map[string]string{"W. Europe Standard Time": "Europe/Berlin", "GMT Standard Time": "Europe/London", "Pacific Standard Time": "America/Los_Angeles",
		"AUS Eastern Standard Time": "Australia/Sydney", "India Standard Time": "Asia/Calcutta", "UTC": "Etc/UTC", "UTC-11": "Etc/GMT+11"} {
		if got := windowsZone(strings.ToLower(name)); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		if _, err := LoadZone(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "Local", "Nowhere", "../etc/passwd", "/etc/localtime", "Europe", strings.Repeat("a", 1000), "Europe/Berlin\x00"} {
		if zone, err := LoadZone(name); err == nil {
			t.Errorf("%q is the zone %s", name, zone)
		}
	}
}

// TestOwnRulesAgree compiles Berlin's rules from a VTIMEZONE and compares each
// change of the clock with the database.
func TestOwnRulesAgree(t *testing.T) {
	const text = "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:B\r\n" +
		"BEGIN:DAYLIGHT\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nDTSTART:19810329T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\n" +
		"BEGIN:STANDARD\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nDTSTART:19961027T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\n" +
		"BEGIN:STANDARD\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nDTSTART:19810927T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=9;BYDAY=-1SU;UNTIL=19950924T010000Z\r\nEND:STANDARD\r\n" +
		"END:VTIMEZONE\r\nEND:VCALENDAR\r\n"
	tree, err := readTree([]byte(text), 1)
	if err != nil {
		t.Fatal(err)
	}
	own, err := compileZone("B", tree.calendars[0].parts[0])
	if err != nil {
		t.Fatal(err)
	}
	berlin, _ := LoadZone("Europe/Berlin")
	for at := time.Date(1982, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2100; at = at.Add(6 * time.Hour) {
		_, want := at.In(berlin).Zone()
		if _, got := at.In(own).Zone(); got != want {
			t.Fatalf("at %s: offset %d, want %d", at, got, want)
		}
	}
	if _, got := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).In(own).Zone(); got != 3600 {
		t.Errorf("before the first change: offset %d, want 3600", got)
	}
}

func TestRefusedOwnRules(t *testing.T) {
	part := func(lines ...string) string {
		return "BEGIN:STANDARD\n" + strings.Join(lines, "\n") + "\nEND:STANDARD\n"
	}
	for name, body := range map[string]string{
		"no rules":     "",
		"no offset":    part("DTSTART:20260101T000000"),
		"bad offset":   part("DTSTART:20260101T000000", "TZOFFSETTO:+2500"),
		"no start":     part("TZOFFSETTO:+0100"),
		"too frequent": part("DTSTART:20260101T000000", "TZOFFSETTO:+0100", "RRULE:FREQ=HOURLY"),
		"twice a day":  part("DTSTART:20260101T000000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100") + part("DTSTART:20260101T050000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200"),
		"every day":    part("DTSTART:20200101T000000", "TZOFFSETTO:+0100", "RRULE:FREQ=DAILY"),
	} {
		tree, err := readTree([]byte("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:X\n"+body+"END:VTIMEZONE\nEND:VCALENDAR\n"), 1)
		if err != nil {
			t.Fatal(err)
		}
		if zone, err := compileZone("X", tree.calendars[0].parts[0]); err == nil {
			t.Errorf("%s: compiled to %v", name, zone)
		}
	}
}
