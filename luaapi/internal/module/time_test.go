package module

import (
	"context"
	"testing"
	"time"
	_ "time/tzdata"

	"moonwatch/luaapi/host/hosttest"
	"moonwatch/luaapi/internal/luaval"
)

func TestTimeFormat(t *testing.T) {
	b := newBench(t, nil)
	at := time.Date(2026, 1, 5, 9, 3, 7, 123456000, time.UTC) // a Monday
	b.global("at", luaval.Instant(at))
	for script, want := range map[string]string{
		`time.format(at)`: "2026-01-05T09:03:07Z",
		`time.format(at, "rfc3339", "Europe/Berlin")`:                       "2026-01-05T10:03:07+01:00",
		`time.format(at, "http")`:                                           "Mon, 05 Jan 2026 09:03:07 GMT",
		`time.format(at, "http", "Asia/Tokyo")`:                             "Mon, 05 Jan 2026 09:03:07 GMT",
		`time.format(0, nil, "UTC")`:                                        "1970-01-01T00:00:00Z",
		`time.format(-1.5)`:                                                 "1969-12-31T23:59:58Z",
		`time.format(at, "%Y-%m-%d %H:%M:%S.%f %z %Z", "America/New_York")`: "2026-01-05 04:03:07.123456 -0500 EST",
		`time.format(at, "%a %A %b %B %h|%c|%x %X|%D %F %T %R %r")`:         "Mon Monday Jan January Jan|Mon Jan  5 09:03:07 2026|01/05/26 09:03:07|01/05/26 2026-01-05 09:03:07 09:03 09:03:07 AM",
		`time.format(at, "%C %y %g %G %V %U %W %u %w %j")`:                  "20 26 26 2026 02 01 01 1 1 005",
		`time.format(at, "%e|%k|%l|%I|%p|%P|%s|%%|%n|%t|")`:                 " 5| 9| 9|09|AM|am|1767603787|%|\n|\t|",
		`time.format(at, "Mon 2006 %Ey %Od")`:                               "Mon 2006 26 05",
		`time.format(at + 12 * 3600, "%I %l %p")`:                           "09  9 PM",
		`time.format(at, "")`:                                               "",
	} {
		b.gives("return ("+script+")", want)
	}
	b.gives(`return time.format(0, nil, "Mars/Olympus")`, "nil | no such time zone: Mars/Olympus | invalid")
	b.gives(`return select(3, time.format(0, nil, "../../etc/passwd")), select(3, time.format(0, nil, "Local"))`, "invalid | invalid")
	for script, want := range map[string]string{
		`time.format()`:                   "bad argument #1 to time.format: t must be a number, got nil",
		`time.format("0")`:                "t must be a number, got text",
		`time.format(0/0)`:                "t must be a finite number",
		`time.format(1e300)`:              "t is out of range",
		`time.format(0, "%Q")`:            "bad argument #2 to time.format: layout has the unknown directive %Q",
		`time.format(0, "50%")`:           "layout ends in %",
		`time.format(0, ("x"):rep(2000))`: "layout is longer than 1000 bytes",
		`time.format(0, {})`:              "layout must be text",
	} {
		b.raises(script, want)
	}
}

func TestTimeParse(t *testing.T) {
	b := newBench(t, nil)
	for script, want := range map[string]string{
		`"2026-01-05T09:03:07Z"`:                                      "1767603787",
		`"2026-01-05T10:03:07+01:00"`:                                 "1767603787",
		`"2026-01-05T10:03:07.5+0100"`:                                "1767603787.5",
		`"2026-01-05 09:03:07Z"`:                                      "1767603787",
		`"2026-01-05"`:                                                "1767571200",
		`"2026-01-05T04:03:07", nil, "America/New_York"`:              "1767603787",
		`"2026-07-05T05:03:07", "rfc3339", "America/New_York"`:        "1783242187",
		`"Mon, 05 Jan 2026 09:03:07 GMT", "http"`:                     "1767603787",
		`"05/Jan/2026:09:03:07 +0000", "%d/%b/%Y:%H:%M:%S %z"`:        "1767603787",
		`"2026-01-05 04:03:07 PM", "%F %I:%M:%S %p", "Europe/Berlin"`: "1767625387",
		`"12:00 am", "%I:%M %p"`:                                      "0",
		`"12:00 pm", "%I:%M %P"`:                                      "43200",
		`" 5 January 26", "%e %B %y"`:                                 "1767571200",
		`"69 70 ", "%y %y"`:                                           "0",
		`"2026 005", "%Y %j"`:                                         "1767571200",
		`"1767603787", "%s"`:                                          "1767603787",
		`"-5", "%s"`:                                                  "-5",
		`"07.25", "%S.%f"`:                                            "7.25",
		`"Mon Jan  5 09:03:07 2026", "%c"`:                            "1767603787",
		`"Monday, 09:03 UTC%", "%A, %H:%M %Z%%"`:                      "32580",
	} {
		b.gives("return time.parse("+script+")", want)
	}
	for _, script := range []string{
		`"yesterday"`, `""`, `"2026-13-01"`, `"2026-02-30", "%F"`, `"x", "http"`, `"5", "%d x"`, `"5 x", "%d"`, `"99", "%d"`, `"x", "%b"`, `"1", "%Q"`,
		`"5", "%"`, `"25", "%H"`, `"CET", "%Z"`, `"+1", "%z"`, `"+9900", "%z"`, `"xm", "%p"`, `"", "%Y"`, `".", "%f"`, `"2026-01-05", nil, "No/Where"`,
	} {
		b.gives(`return select(3, time.parse(`+script+`))`, "invalid")
	}
	b.gives(`return time.parse("x")`, "nil | not a time of the layout rfc3339: x | invalid")
	b.raises(`time.parse()`, "bad argument #1 to time.parse: text must be text, got nil")
	b.raises(`time.parse("x", {})`, "layout must be text, got a table")
	b.gives(`for _, l in ipairs{"%c", "%F %T", "%D %r", "%Y %j %H:%M:%S", "%s"} do assert(time.parse(time.format(1767603787, l), l) == 1767603787, l) end`, "")
}

func TestTimeNowLeftSleep(t *testing.T) {
	b := newBench(t, &hosttest.Fake{})
	b.call.Now = func() time.Time { return time.Unix(1000, 500_000_000) }
	b.gives(`return time.now()`, "1000.5")
	b.gives(`local left = time.left() return left > 39 and left <= 40`, "true")
	started := time.Now()
	b.gives(`return time.sleep(0.03), time.sleep(0)`, "true | true")
	if took := time.Since(started); took < 30*time.Millisecond || took > time.Second {
		t.Errorf("sleeping 0.03 s took %v", took)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	b.call.Ctx, b.call.Deadline = ctx, time.Time{}
	b.gives(`return time.sleep(1e9)`, "nil | the run's time ended before the sleep did | timeout")
	b.gives(`return time.left()`, "inf")
	for script, want := range map[string]string{
		`time.sleep()`: "seconds must be a number, got nil", `time.sleep(-1)`: "seconds must not be negative", `time.sleep(1/0)`: "seconds must be a finite number",
	} {
		b.raises(script, want)
	}
	b.call.Offline = true
	b.raises(`time.sleep(1)`, "time.sleep cannot be called in clean or description")
}

// sleepyHost keeps its own time.
type sleepyHost struct {
	hosttest.Fake
	slept time.Duration
}

func (s *sleepyHost) Sleep(_ context.Context, d time.Duration) error {
	s.slept += d
	return nil
}

func (s *sleepyHost) Left() (time.Duration, bool) { return 2*time.Hour - s.slept, true }

func TestSleepGoesThroughTheHost(t *testing.T) {
	h := &sleepyHost{}
	b := newBench(t, h)
	b.gives(`return time.sleep(3600), time.left()`, "true | 3600")
	if h.slept != time.Hour {
		t.Errorf("slept %v", h.slept)
	}
}

func FuzzStrptime(f *testing.F) {
	f.Add("2026-01-05 09:03:07.5 +0100", "%Y-%m-%d %H:%M:%S.%f %z")
	f.Add("Mon Jan  5 PM", "%a %b %e %p")
	f.Add("-5", "%s")
	f.Fuzz(func(t *testing.T, text, layout string) {
		at, err := strptime(text, layout, time.UTC)
		if err == nil && (at.Year() < -40000 || at.Year() > 40000) {
			t.Fatalf("strptime(%q, %q) = %v", text, layout, at)
		}
		strftime(at, layout)
	})
}
