package checks

import (
	"testing"
	"time"

	"moonwatch/server/web/drawing"
)

// TestStepsOfRanges holds that sums are drawn in whole hours, and that all of
// them find room in a chart.
func TestStepsOfRanges(t *testing.T) {
	for _, r := range ranges() {
		if step := sumStep(r.span); step%time.Hour != 0 || step > 0 && r.span/step > drawing.ChartColumns {
			t.Errorf("%s is drawn in steps of %s", r.Name, step)
		}
	}
}
