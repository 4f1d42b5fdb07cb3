package module

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

// zones keeps time zones for all runs. It is safe for concurrent use.
type zones struct {
	mu     sync.Mutex
	loaded map[string]*time.Location // guarded by mu; the IANA names are few
}

func newZones() *zones { return &zones{loaded: make(map[string]*time.Location)} }

// get returns a zone by its IANA name. The machine's own zone is not among them.
func (z *zones) get(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if zone := z.loaded[name]; zone != nil {
		return zone, nil
	}
	if name == "Local" || len(name) > 100 {
		return nil, vm.Invalid("no such time zone: %s", luaval.KeyText(lua.LString(name)))
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, vm.Invalid("no such time zone: %s", luaval.KeyText(lua.LString(name)))
	}
	z.loaded[zone.String()] = zone
	return zone, nil
}

func openTime(z *zones) func(*lua.LState) *lua.LTable {
	return func(*lua.LState) *lua.LTable {
		return ModuleOf(map[string]lua.LGFunction{
			"now":    timeNow,
			"left":   timeLeft,
			"sleep":  timeSleep,
			"format": z.format,
			"parse":  z.parse,
		})
	}
}

func timeNow(L *lua.LState) int {
	c := vm.CallOf(L)
	if c == nil || c.Now == nil {
		L.Push(luaval.Instant(time.Now()))
	} else {
		L.Push(luaval.Instant(c.Now()))
	}
	return 1
}

// timeLeft is how much of the run's time remains; a run without a deadline has
// no end.
func timeLeft(L *lua.LState) int {
	c := vm.CallOf(L)
	if c == nil || c.Deadline.IsZero() {
		L.Push(lua.LNumber(math.Inf(1)))
		return 1
	}
	if s, ok := c.Host.(host.Sleeper); ok {
		if left, ok := s.Left(); ok {
			L.Push(InSeconds(left))
			return 1
		}
	}
	L.Push(InSeconds(max(time.Until(c.Deadline), 0)))
	return 1
}

// timeSleep waits; when the run's time ends first, it answers nil with kind timeout.
func timeSleep(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "time.sleep"}
	c := a.Outside()
	seconds := a.Number(1, "seconds")
	if seconds < 0 {
		a.Fail(1, "seconds must not be negative")
	}
	d := vm.ToDuration(min(seconds, vm.MaxSeconds))
	err := c.Wait(0, func(ctx context.Context) error {
		if s, ok := c.Host.(host.Sleeper); ok {
			return s.Sleep(ctx, d)
		}
		return sleep(ctx, d)
	})
	if err != nil {
		return vm.Failed(L, &host.Error{Kind: host.Timeout, Message: "the run's time ended before the sleep did"})
	}
	L.Push(lua.LTrue)
	return 1
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// MaxInstant bounds instants, in seconds: the years -9999 to 9999, about.
const MaxInstant = 3e11

func (z *zones) format(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "time.format"}
	seconds := a.Number(1, "t")
	if math.Abs(seconds) > MaxInstant {
		a.Fail(1, "t is out of range")
	}
	layout := a.TextOr(2, "layout", "rfc3339")
	zone, err := z.get(a.TextOr(3, "zone", ""))
	if err != nil {
		return vm.Failed(L, err)
	}
	text, err := formatTime(FromSeconds(seconds).In(zone), layout)
	if err != nil {
		a.Fail(2, "%s", err.Error())
	}
	L.Push(lua.LString(text))
	return 1
}

// FromSeconds is the instant that many seconds after the epoch, to the microsecond.
func FromSeconds(seconds float64) time.Time {
	whole := math.Floor(seconds)
	micros := math.Round((seconds - whole) * 1e6)
	return time.Unix(int64(whole), int64(micros)*1000)
}

func formatTime(t time.Time, layout string) (string, error) {
	switch layout {
	case "rfc3339":
		return t.Truncate(time.Second).Format(time.RFC3339), nil
	case "http":
		return t.UTC().Format(http.TimeFormat), nil
	}
	return strftime(t, layout)
}

// maxTimeText is how long a text of a time is at most, in bytes.
const maxTimeText = 64 << 10

func (z *zones) parse(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "time.parse"}
	text := a.Text(1, "text")
	layout := a.TextOr(2, "layout", "rfc3339")
	zone, err := z.get(a.TextOr(3, "zone", ""))
	if err != nil {
		return vm.Failed(L, err)
	}
	var t time.Time
	switch {
	case len(text) > maxTimeText:
		err = errNotATime
	case layout == "rfc3339":
		t, err = parseRFC3339(text, zone)
	case layout == "http":
		t, err = http.ParseTime(text)
	default:
		t, err = strptime(text, layout, zone)
	}
	if err != nil {
		return vm.Failed(L, vm.Invalid("not a time of the layout %s: %s", luaval.KeyText(lua.LString(layout)), luaval.KeyText(lua.LString(text))))
	}
	L.Push(lua.LNumber(float64(t.UnixMicro()) / 1e6))
	return 1
}

// parseRFC3339 takes the forms that are met in practice: a blank for the T, no
// seconds, no zone (then zone holds), and a date alone.
func parseRFC3339(text string, zone *time.Location) (time.Time, error) {
	var first error
	for _, layout := range []string{
		time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00",
		"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02",
	} {
		t, err := time.ParseInLocation(layout, text, zone)
		if err == nil {
			return t, nil
		}
		if first == nil {
			first = err
		}
	}
	return time.Time{}, first
}
