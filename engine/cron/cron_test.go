package cron

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func parse(t *testing.T, text string) *Expression {
	t.Helper()
	x, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return x
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "five fields",
		"* * * *":                "this has 4",
		"0 0 6 * * *":            "this has 6",
		"1 2 3 4 5 6 7 8":        "this has 8",
		"60 * * * *":             "minute: numbers go from 0 to 59",
		"0 24 * * *":             "hour: numbers go from 0 to 23",
		"0 22-2 * * *":           "hour: a range runs backwards; write two, one that ends at 23 and one from 0",
		"0 0 0 * *":              "day: numbers go from 1 to 31",
		"0 0 * 13 *":             "month: numbers go from 1 to 12",
		"0 0 * * 8":              "weekday: numbers go from 0 to 7",
		"0 0 * * FRI-MON":        "weekday: a range runs backwards",
		"0 0 * FOO *":            "month: write numbers from 1 to 12 or names from JAN to DEC",
		"0 0 * * MONDAY":         "weekday: write numbers from 0 to 7 or names from SUN to SAT",
		"0 MON * * *":            "hour: write numbers from 0 to 23",
		"*/0 * * * *":            "minute: after / comes a step",
		"*/x * * * *":            "minute: after / comes a step",
		"1,,2 * * * *":           "minute: write numbers",
		"1, * * * *":             "minute: write numbers",
		"-5 * * * *":             "minute: write numbers",
		"5- * * * *":             "minute: write numbers",
		"+5 * * * *":             "minute: write numbers",
		"1.5 * * * *":            "minute: write numbers",
		"0 0 LW * *":             "day: besides numbers",
		"0 0 L-3 * *":            "day: besides numbers",
		"0 0 32W * *":            "day: besides numbers",
		"0 0 * * L":              "weekday: besides numbers",
		"0 0 * * 5#6":            "weekday: besides numbers",
		"0 0 * * #2":             "weekday: besides numbers",
		"@every 5m":              "interval",
		"@everysecond":           "interval",
		"@reboot":                "not a time",
		"@fortnightly":           "shorthands are",
		strings.Repeat("1", 300): "at most 200",
		"9999999999999 * * * *":  "minute: numbers go",
		"*/99999999999 * * * *":  "after / comes a step",
		"\u0661 * * * *":         "minute: write numbers", // an Arabic digit
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestSlots holds the first slots of expressions of every form.
func TestSlots(t *testing.T) {
	for text, want := range map[string]string{
		"30 8 * * 1-5":      "01-01T08:30 01-02T08:30 01-05T08:30", // 2026-01-01 is a Thursday
		"0 0 * * 7":         "01-04T00:00 01-11T00:00",
		"0 0 * * 5-7":       "01-02T00:00 01-03T00:00 01-04T00:00 01-09T00:00",
		"0 0 * * 7-1":       "01-04T00:00 01-05T00:00 01-11T00:00",
		"0 0 * * mon,Wed":   "01-05T00:00 01-07T00:00 01-12T00:00",
		"0 0 1 Feb-apr *":   "02-01T00:00 03-01T00:00 04-01T00:00",
		"0 0 13 * 5":        "01-02T00:00 01-09T00:00 01-13T00:00", // either
		"0 0 */2 * 5":       "01-09T00:00 01-23T00:00",             // both, since the day begins with a star
		"0 0 ? * 5":         "01-02T00:00 01-09T00:00",
		"0 0 5 * ?":         "01-05T00:00 02-05T00:00",
		"0 0 L * *":         "01-31T00:00 02-28T00:00 03-31T00:00",
		"0 0 1W * *":        "01-01T00:00 02-02T00:00 03-02T00:00",
		"0 0 31W * *":       "01-30T00:00 03-31T00:00 05-29T00:00",
		"0 0 15W * *":       "01-15T00:00 02-16T00:00 03-16T00:00",
		"0 0 * * 5L":        "01-30T00:00 02-27T00:00",
		"0 0 * * SUNL":      "01-25T00:00 02-22T00:00",
		"0 0 * * FRI#2":     "01-09T00:00 02-13T00:00",
		"0 0 * * 7#5":       "03-29T00:00 05-31T00:00",
		"0 0 29 2 *":        "2028-02-29T00:00 2032-02-29T00:00",
		"*/25 0 1 1 *":      "01-01T00:00 01-01T00:25 01-01T00:50 2027-01-01T00:00",
		"10/25 0 1 1 *":     "01-01T00:10 01-01T00:35 2027-01-01T00:10",
		"0-10/5,30 0 1 1 *": "01-01T00:00 01-01T00:05 01-01T00:10 01-01T00:30 2027-01-01T00:00",
		"0 0 * * 4-7/3":     "01-01T00:00 01-04T00:00 01-08T00:00",
		"0 0 * * */7":       "01-04T00:00 01-11T00:00",
		"@weekly":           "01-04T00:00 01-11T00:00",
		"@Daily":            "01-01T00:00 01-02T00:00",
		"@monthly":          "01-01T00:00 02-01T00:00",
		"@yearly":           "01-01T00:00 2027-01-01T00:00",
		"@hourly":           "01-01T00:00 01-01T01:00",
		" @30minutes ":      "01-01T00:00 01-01T00:30 01-01T01:00",
	} {
		x, at := parse(t, text), time.Date(2025, 12, 31, 23, 59, 59, 999, time.UTC)
		for want := range strings.FieldsSeq(want) {
			var ok bool
			if at, ok = x.Next(at, time.UTC); !ok || !strings.HasSuffix(at.Format("2006-01-02T15:04"), want) {
				t.Errorf("%s: %s, want %s", text, at, want)
				break
			}
		}
	}
}

func TestFires(t *testing.T) {
	for _, text := range []string{"0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31W 2 *", "0 0 30-31 FEB *"} {
		x := parse(t, text)
		if at, ok := x.Next(time.Unix(0, 0), time.UTC); ok || x.Fires() {
			t.Errorf("%s fires at %s", text, at)
		}
	}
	onSundays := func(d time.Weekday, _ int) bool { return d == time.Sunday }
	if parse(t, "0 12 * * 1-5").Within(onSundays).Fires() {
		t.Error("a slot of working days fires on Sundays")
	}
	// The rarest day there is, over a year 2100 that is no leap year.
	x, at := parse(t, "0 12 29 2 *").Within(onSundays), time.Date(2072, 3, 1, 0, 0, 0, 0, time.UTC)
	for year := 2072; year < 2200; year += 4 {
		day := time.Date(year, 2, 29, 12, 0, 0, 0, time.UTC)
		if day.Day() != 29 || day.Weekday() != time.Sunday || day.Before(at) {
			continue
		}
		if got, ok := x.Next(at, time.UTC); !ok || !got.Equal(day) {
			t.Fatalf("after %s comes %s, want %s", at, got, day)
		}
		at = day
	}
}
