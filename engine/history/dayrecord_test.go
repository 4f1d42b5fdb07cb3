package history

import (
	"testing"
	"time"

	"moonwatch/engine"
)

func TestDayRecord(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var results []engine.Result
	for i := range 3 {
		results = append(results, engine.Result{Started: at.Add(time.Duration(i)*20*time.Minute + time.Hour), Took: float64(i), Succeeded: i > 0})
	}
	r := DayRecord("c", at.Add(5*time.Hour), results)
	d, err := readDay(r)
	if err != nil || r.ID != "c/20260301" || r.Kind != engine.KindAggregate || !r.At.Equal(at) {
		t.Fatalf("%+v %v", r, err)
	}
	for hour, s := range d.hours {
		if (s != nil) != (hour == 1) {
			t.Errorf("hour %d: %+v", hour, s)
		}
	}
	if s := d.hours[1]; s == nil || s.count != 3 || s.failures != 1 || s.took.max != 2 {
		t.Errorf("got %+v", s)
	}
}
