package rota

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Shifts outlive the feed: their titles and UIDs keep nothing of it alive.
func TestShiftsKeepNothingOfTheFeed(t *testing.T) {
	padding := strings.Repeat(" ", 1<<20)
	for name, lines := range map[string]string{
		"title":   "UID:u%d\r\nSUMMARY:Ada" + padding,
		"escaped": "UID:u%d\r\nSUMMARY:Ada\\, Bob" + padding,
		"UID":     "UID;X-A=" + strings.Repeat("x", 1<<20) + ":u%d\r\nSUMMARY:Ada",
	} {
		var kept []Shift
		before := liveHeap()
		for i := range 8 {
			feed, err := ParseFeed(fmt.Appendf(nil, "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"+lines+
				"\r\nDTSTART:20260105T080000Z\r\nDTEND:20260105T160000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", i), ParseOptions{})
			if err != nil {
				t.Fatal(err)
			}
			from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			shifts, problems := feed.Shifts(from, from.AddDate(0, 1, 0), people(), Limits{})
			if len(shifts) == 0 {
				t.Fatalf("%s: no shifts: %v", name, problems)
			}
			kept = append(kept, shifts...)
		}
		if held := int64(liveHeap()) - int64(before); held > 1<<20 {
			t.Errorf("%s: %d shifts keep %d KB alive", name, len(kept), held>>10)
		}
		runtime.KeepAlive(kept)
	}
}
