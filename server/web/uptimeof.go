package web

import (
	"context"
)

// uptimeOf accounts for the days of a zone up to today; of is what the engine
// calls the check, service or instance.
func (w *lookup) uptimeOf(ctx context.Context, of string, p *page) (*uptimeView, error) {
	v := &uptimeView{zone: p.zone}
	var err error
	if v.Days, err = w.engine.History.UptimeDays(ctx, of, uptimeDays, p.zone); err != nil {
		return nil, err
	}
	for _, span := range []struct {
		label string
		days  int
	}{{"Today", 1}, {"7 days", 7}, {"30 days", 30}, {"90 days", uptimeDays}} {
		sum := sumUptime(v.Days[max(len(v.Days)-span.days, 0):])
		v.Figures = append(v.Figures, figure{Label: span.label, Uptime: sum, Text: percent(sum.Percent), Detail: accounted(sum)})
	}
	return v, nil
}
