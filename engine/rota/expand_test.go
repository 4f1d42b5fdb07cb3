package rota

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"
)

const wallMinute = "2006-01-02T15:04"

func wallAt(t *testing.T, text string) wall {
	t.Helper()
	v, err := time.Parse(wallMinute, text)
	if err != nil {
		t.Fatal(err)
	}
	return wall(v.Unix())
}

// expandAll lists the instances of a rule in [from, to).
func expandAll(t *testing.T, text string, start, from, to wall) []string {
	t.Helper()
	r, err := parseRule(text, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	steps := budget(10_000_000)
	var got []string
	err = newSeries(*r, start, false, time.UTC).between(from, to, &steps, func(w wall) bool {
		got = append(got, w.utc().Format(wallMinute))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestRuleExamples takes the examples of RFC 5545, section 3.8.5.3, that say
// more than one frequency and a count. Their time of day is 09:00 throughout.
func TestRuleExamples(t *testing.T) {
	for _, c := range []struct{ rule, start, want string }{
		{"FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02", "1997: 9/2 9/12 9/22 10/2 10/12"},
		{"FREQ=YEARLY;UNTIL=19980131T140000Z;BYMONTH=1;BYDAY=SU,MO", "1998-01-04", "1998: 1/4 1/5 1/11 1/12 1/18 1/19 1/25 1/26"},
		{"FREQ=WEEKLY;INTERVAL=2;UNTIL=19971010T000000Z;WKST=SU;BYDAY=MO,WE,FR", "1997-09-01", "1997: 9/1 9/3 9/5 9/15 9/17 9/19 9/29 10/1 10/3"},
		{"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05", "1997: 8/5 8/10 8/19 8/24"},
		{"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05", "1997: 8/5 8/17 8/19 8/31"},
		{"FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05", "1997: 9/5 10/3 11/7 12/5 1998: 1/2 2/6 3/6 4/3 5/1 6/5"},
		{"FREQ=MONTHLY;INTERVAL=2;COUNT=6;BYDAY=1SU,-1SU", "1997-09-07", "1997: 9/7 9/28 11/2 11/30 1998: 1/4 1/25"},
		{"FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997-09-22", "1997: 9/22 10/20 11/17 12/22 1998: 1/19 2/16"},
		{"FREQ=MONTHLY;COUNT=4;BYMONTHDAY=-3", "1997-09-28", "1997: 9/28 10/29 11/28 12/29"},
		{"FREQ=MONTHLY;COUNT=6;BYMONTHDAY=1,-1", "1997-09-30", "1997: 9/30 10/1 10/31 11/1 11/30 12/1"},
		{"FREQ=YEARLY;COUNT=4;BYMONTH=6,7", "1997-06-10", "1997: 6/10 7/10 1998: 6/10 7/10"},
		{"FREQ=YEARLY;INTERVAL=3;COUNT=4;BYYEARDAY=1,100,200", "1997-01-01", "1997: 1/1 4/10 7/19 2000: 1/1"},
		{"FREQ=YEARLY;COUNT=3;BYDAY=20MO", "1997-05-19", "1997: 5/19 1998: 5/18 1999: 5/17"},
		{"FREQ=YEARLY;COUNT=3;BYWEEKNO=20;BYDAY=MO", "1997-05-12", "1997: 5/12 1998: 5/11 1999: 5/17"},
		{"FREQ=YEARLY;COUNT=3;BYWEEKNO=20", "1997-05-12", "1997: 5/12 1998: 5/11 1999: 5/17"},
		{"FREQ=YEARLY;COUNT=5;BYMONTH=3;BYDAY=TH", "1997-03-13", "1997: 3/13 3/20 3/27 1998: 3/5 3/12"},
		{"FREQ=MONTHLY;COUNT=4;BYDAY=FR;BYMONTHDAY=13", "1998-02-13", "1998: 2/13 3/13 11/13 1999: 8/13"},
		{"FREQ=YEARLY;INTERVAL=4;COUNT=3;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "1996-11-05", "1996: 11/5 2000: 11/7 2004: 11/2"},
		{"FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04", "1997: 9/4 10/7 11/6"},
		{"FREQ=MONTHLY;COUNT=4;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997-09-29", "1997: 9/29 10/30 11/27 12/30"},
		{"FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15", "2007: 1/15 1/30 2/15 3/15 3/30"},
		{"FREQ=YEARLY;COUNT=3", "2024-02-29", "2024: 2/29 2028: 2/29 2032: 2/29"},
		{"freq=daily; count=2 ;", "2026-01-01", "2026: 1/1 1/2"},
		{"FREQ=MONTHLY;COUNT=3;BYDAY=53MO,1TU", "2026-12-01", "2026: 12/1 2027: 1/5 2/2"},
	} {
		start := wallAt(t, c.start+"T09:00")
		got := ""
		for _, at := range expandAll(t, c.rule, start, start, start+20*366*secondsPerDay) {
			day, clock, _ := strings.Cut(at, "T")
			parts := strings.Split(day, "-")
			if !strings.Contains(got, parts[0]+":") {
				got += " " + parts[0] + ":"
			}
			got += " " + strings.TrimPrefix(parts[1], "0") + "/" + strings.TrimPrefix(parts[2], "0")
			if clock != "09:00" {
				got += "?" + clock
			}
		}
		if got = strings.TrimSpace(got); got != c.want {
			t.Errorf("%s\ngot:  %s\nwant: %s", c.rule, got, c.want)
		}
	}
}

// TestRulesAgreeWithLibrary compares random rules with rrule-go, in the shapes
// for which that library is right: UTC, daily and up, in sync with DTSTART.
func TestRulesAgreeWithLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	compared := 0
	for range 800 {
		freq := pick("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
		text := "FREQ=" + freq + fmt.Sprintf(";INTERVAL=%d", 1+random.IntN(4)) + pick("", "", ";WKST=SU", ";WKST=WE")
		text += pick("", "", "", ";BYMONTH=1,3,12", ";BYMONTH=2")
		switch freq {
		case "YEARLY":
			text += pick("", ";BYDAY=MO,FR", ";BYDAY=-1SU", ";BYDAY=2TU,-3WE", ";BYMONTHDAY=1,-1,31", ";BYYEARDAY=1,60,-1", ";BYWEEKNO=1,20;BYDAY=MO,SU", ";BYWEEKNO=53;BYDAY=TH")
		case "MONTHLY":
			text += pick("", ";BYDAY=MO,FR", ";BYDAY=-1SU", ";BYDAY=2TU,-3WE,5MO", ";BYMONTHDAY=1,-1,31", ";BYDAY=FR;BYMONTHDAY=13,14,15")
		default:
			text += pick("", ";BYDAY=MO,FR", ";BYDAY=SU", ";BYDAY=TU,TH,SA")
		}
		text += pick("", "", ";BYHOUR=8,20", ";BYHOUR=6;BYMINUTE=0,30")
		text += pick("", "", ";BYSETPOS=1", ";BYSETPOS=-1,2")
		text += pick("", "", ";COUNT=7", ";UNTIL=20290615T090000Z")

		start := time.Date(2024, time.Month(1+random.IntN(12)), 1+random.IntN(28), 9, 0, 0, 0, time.UTC)
		option, err := rrule.StrToROption(text)
		if err != nil {
			t.Fatal(err)
		}
		option.Dtstart = start
		theirs, err := rrule.NewRRule(*option)
		if err != nil {
			t.Fatal(err)
		}
		first := theirs.After(start, true)
		if first.IsZero() || first.Year() > 2028 {
			continue
		}
		// In sync: the series begins with its first instance.
		if option.Dtstart = first; freq == "YEARLY" || freq == "MONTHLY" {
			if !first.Equal(start) { // the day would be taken from another DTSTART
				continue
			}
		}
		if len(option.Byweekday) == 0 && first.Weekday() != start.Weekday() || first.Hour() != 9 && !strings.Contains(text, "BYHOUR") {
			continue
		}
		if theirs, err = rrule.NewRRule(*option); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "BYSETPOS") && !theirs.After(first, true).Equal(first) {
			continue
		}
		from := first.AddDate(random.IntN(3), 0, 0)
		to := from.AddDate(2, 0, 0)
		var want []string
		for _, at := range theirs.Between(from, to.Add(-time.Second), true) {
			want = append(want, at.Format(wallMinute))
		}
		got := expandAll(t, text, wall(first.Unix()), wall(from.Unix()), wall(to.Unix()))
		if !slices.Equal(got, want) {
			t.Errorf("%s from %s\ngot:  %v\nwant: %v", text, first, got, want)
		}
		compared++
	}
	if compared < 300 {
		t.Errorf("only %d rules were compared", compared)
	}
	t.Log(compared, "rules compared")
}

func TestExpandBounds(t *testing.T) {
	start := wallAt(t, "2015-01-01T00:00")
	from, to := wallAt(t, "2026-01-01T00:00"), wallAt(t, "2026-03-01T00:00")
	for _, c := range []struct {
		rule string
		want error
		n    int
	}{
		{"FREQ=DAILY", nil, 59},
		{"FREQ=DAILY;COUNT=1000000", nil, 59},
		{"FREQ=DAILY;INTERVAL=18446744073709551615", nil, 0},
		{"FREQ=YEARLY;INTERVAL=999999999;COUNT=999999999", nil, 0},
		{"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", nil, 0},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3", nil, 0},
		{"FREQ=DAILY;COUNT=5;BYSETPOS=366", nil, 0},
		{"FREQ=DAILY;COUNT=900000000;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYMINUTE=0,1,2,3,4,5,6,7,8,9", errTooManySteps, 0},
	} {
		r, err := parseRule(c.rule, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		steps, n := budget(500_000), 0
		began := time.Now()
		err = newSeries(*r, start, false, time.UTC).between(from, to, &steps, func(wall) bool { n++; return true })
		if !errors.Is(err, c.want) || n != c.n {
			t.Errorf("%s: %d instances, %v; want %d, %v", c.rule, n, err, c.n, c.want)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s took %s", c.rule, took)
		}
	}
	// Without an end the work does not grow with the past.
	r, _ := parseRule("FREQ=DAILY", time.UTC)
	steps := budget(200)
	if err := newSeries(*r, wallAt(t, "0001-01-01T00:00"), false, time.UTC).between(from, to, &steps, func(wall) bool { return true }); err != nil {
		t.Errorf("an old series: %v", err)
	}
}

func TestRefusedRules(t *testing.T) {
	for _, text := range []string{"", "COUNT=3", "FREQ=", "FREQ=FORTNIGHTLY", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=-1", "FREQ=DAILY;INTERVAL=x",
		"FREQ=DAILY;BYHOUR=24", "FREQ=DAILY;BYMONTH=13", "FREQ=MONTHLY;BYDAY=54MO", "FREQ=MONTHLY;BYDAY=0MO", "FREQ=MONTHLY;BYDAY=", "FREQ=DAILY;BYSETPOS=0",
		"FREQ=DAILY;UNTIL=tomorrow", "FREQ=DAILY;WKST=1", "FREQ=YEARLY;BYEASTER=1", "FREQ=YEARLY;RSCALE=HEBREW", "FREQ=YEARLY;SKIP=FORWARD", "FREQ"} {
		if r, err := parseRule(text, time.UTC); err == nil {
			t.Errorf("%q was read as %+v", text, r)
		}
	}
	for _, text := range []string{"FREQ=HOURLY", "FREQ=MINUTELY", "INTERVAL=2;FREQ=SECONDLY"} {
		if _, err := parseRule(text, time.UTC); !errors.Is(err, errTooFrequent) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
