package rota_test

import (
	"fmt"
	"time"

	"moonwatch/engine/rota"
)

// Two people take turns of a week, over a change of the clocks, and one takes a
// night of the other.
func ExampleRotation_Shifts() {
	r := rota.Rotation{Members: []string{"ada", "grace"}, Every: "1w", Starts: "2026-03-16T09:00"}
	from := time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC)
	shifts, err := r.Shifts("Europe/Berlin", from, from.AddDate(0, 0, 15))
	if err != nil {
		fmt.Println(err)
		return
	}
	night := time.Date(2026, 3, 28, 20, 0, 0, 0, time.UTC)
	shifts = rota.Apply(shifts, []rota.Override{{User: "ada", Start: night, End: night.Add(12 * time.Hour)}})
	for _, s := range shifts {
		fmt.Println(s.User, s.Start.Format("Jan 2 15:04"), "to", s.End.Format("Jan 2 15:04"))
	}
	fmt.Println(rota.OnCall(shifts, night.Add(time.Hour)))
	// Output:
	// ada Mar 16 08:00 to Mar 23 08:00
	// grace Mar 23 08:00 to Mar 28 20:00
	// ada Mar 28 20:00 to Mar 29 08:00
	// grace Mar 29 08:00 to Mar 30 07:00
	// ada Mar 30 07:00 to Apr 6 07:00
	// [ada]
}
