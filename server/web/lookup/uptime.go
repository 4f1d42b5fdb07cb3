package lookup

import (
	"context"

	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
)

// UptimeOf accounts for the days of a zone up to today; of is what the engine
// calls the check, service or instance.
func (w *Lookup) UptimeOf(ctx context.Context, of string, p *frame.Page) (*drawing.UptimeView, error) {
	v := &drawing.UptimeView{Zone: p.Zone}
	var err error
	if v.Days, err = w.Engine.History.UptimeDays(ctx, of, drawing.UptimeDays, p.Zone); err != nil {
		return nil, err
	}
	for _, span := range []struct {
		label string
		days  int
	}{{"Today", 1}, {"7 days", 7}, {"30 days", 30}, {"90 days", drawing.UptimeDays}} {
		sum := drawing.SumUptime(v.Days[max(len(v.Days)-span.days, 0):])
		v.Figures = append(v.Figures, drawing.Figure{
			Label:  span.label,
			Uptime: sum,
			Text:   drawing.Percent(sum.Percent),
			Detail: drawing.Accounted(sum),
		})
	}
	return v, nil
}
