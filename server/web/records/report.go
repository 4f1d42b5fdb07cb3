package records

import (
	"net/http"
	"net/url"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/history"
	"moonwatch/engine/rota"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
)

// reportPage shows how services and instances fared over a span of time.
type reportPage struct {
	Spans    []spanView
	From, To time.Time
	Rows     []reportRow
	CSV      string // address of the same as CSV
	Total    drawing.Figure
}

// spanView is a span of time to choose.
type spanView struct {
	Name, Label string
	Current     bool
}

type reportRow struct {
	history.ReportRow
	Link   string // "" when it is there no more
	Text   string
	Broken string
}

// reportSpan is a span that can be chosen, up to now or to the month's end.
func reportSpan(p *frame.Page, name string) (from, to time.Time) {
	now := p.Now.In(p.Zone)
	month := func(ago int) time.Time {
		return rota.FromWall(time.Date(now.Year(), now.Month()-time.Month(ago), 1, 0, 0, 0, 0, time.UTC), p.Zone).In(p.Zone)
	}
	switch name {
	case "24h":
		return now.Add(-24 * time.Hour), now
	case "7d":
		return now.AddDate(0, 0, -7), now
	case "90d":
		return now.AddDate(0, 0, -90), now
	case "month":
		return month(0), now
	case "last-month":
		return month(1), month(0)
	case "year":
		return now.AddDate(-1, 0, 0), now
	}
	return now.AddDate(0, 0, -30), now
}

func reportSpans() []spanView {
	return []spanView{{
		Name:  "24h",
		Label: "24 hours",
	}, {Name: "7d", Label: "7 days"}, {Name: "30d", Label: "30 days"}, {Name: "90d", Label: "90 days"},
		{Name: "month", Label: "This month"}, {Name: "last-month", Label: "Last month"}, {Name: "year", Label: "A year"}}
}

func (w *Pages) report(q *frame.Request) error {
	p := w.NewPage(q, "Report", "report")
	v := reportPage{Spans: reportSpans()}
	chosen := q.URL.Query().Get("span")
	known := false
	for i := range v.Spans {
		v.Spans[i].Current = v.Spans[i].Name == chosen
		known = known || v.Spans[i].Current
	}
	if !known {
		v.Spans[2].Current = true
	}
	v.From, v.To = reportSpan(p, chosen)
	v.CSV = "/api/v1/report?" + url.Values{
		"from":   {v.From.UTC().Format(time.RFC3339)},
		"to":     {v.To.UTC().Format(time.RFC3339)},
		"format": {"csv"},
	}.Encode()
	rows, err := w.Engine.History.Report(q.Context(), v.From, v.To)
	if err != nil {
		return frame.Plainly(err)
	}
	var all []history.Uptime
	for _, r := range rows {
		one := reportRow{ReportRow: r, Text: drawing.Percent(r.Uptime.Percent)}
		if !r.Deleted {
			one.Link = "/" + string(r.Subject.Kind) + "s/" + r.Subject.ID
		}
		if s := drawing.BrokenTime(r.Uptime); s >= 1 {
			one.Broken = drawing.Span(time.Duration(s * float64(time.Second)))
		}
		v.Rows = append(v.Rows, one)
		if r.Subject.Kind == engine.KindService {
			all = append(all, r.Uptime)
		}
	}
	v.Total = drawing.Figure{Text: drawing.Percent(drawing.SumUptime(all).Percent)}
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "report", p)
	return nil
}
