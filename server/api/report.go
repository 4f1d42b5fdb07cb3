package api

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/engine/history"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// reports is the route of the report.
type reports struct {
	engine *monitor.Monitor
	now    func() time.Time
}

func (s *reports) routes(known rest.Shapes) []*rest.Route {
	row := rest.ShapeOf[history.ReportRow](known)
	params := append(spanParams(), rest.NewParam("format", rest.Choice("json", "csv"), "json or csv (as Accept says)"))
	return []*rest.Route{{
		Method:  "GET",
		Path:    "/report",
		Role:    access.Viewer,
		Tag:     "report",
		Summary: "Report how services and instances fared over a span of time",
		Note:    "Uptime is passing time over all time but unknown, maintenance and inactive time. Times are in seconds.",
		Params:  params,
		Output:  row,
		List:    true,
		Gives:   []string{"text/csv"},
		Handle:  s.report,
	}}
}

func (s *reports) report(c *rest.Call) (rest.Answer, error) {
	from, to, err := spanOf(c, s.now())
	if err != nil {
		return rest.Answer{}, err
	}
	asCSV := prefersCSV(c.Request.Header.Values("Accept"))
	if c.Query.Has("format") {
		format := c.Query.Get("format")
		if format != "json" && format != "csv" {
			return rest.Answer{}, rest.Invalid(form.Error{Location: "format", Code: form.CodeInvalid, Message: "one of json, csv"})
		}
		asCSV = format == "csv"
	}
	rows, err := s.engine.History.Report(c.Request.Context(), from, to)
	if err != nil {
		return rest.Answer{}, err
	}
	c.Writer.Header().Set("Vary", "Accept")
	if !asCSV {
		return rest.Answer{Body: rest.PageView[history.ReportRow]{Items: rows}}, nil
	}
	c.Writer.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="moonwatch-report-%s-%s.csv"`,
		from.UTC().Format("20060102"), to.UTC().Format("20060102")))
	return rest.Answer{Raw: reportCSV(rows), Media: "text/csv; charset=utf-8; header=present"}, nil
}

// prefersCSV reports whether a client would rather have CSV than JSON.
func prefersCSV(accept []string) bool {
	best := map[string]float64{}
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if text, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				q = 0
			}
		}
		best[kind] = max(best[kind], q)
	}
	return best["text/csv"] > max(best["application/json"], best["application/*"])
}

// reportCSV writes the rows under a line of names.
func reportCSV(rows []history.ReportRow) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true                                                                                   // RFC 4180
	w.Write([]string{"kind", "id", "name", "deleted", "from", "to", "uptime_percent", "total_seconds", // a Buffer takes everything
		"passing_seconds", "warning_seconds", "error_seconds", "critical_seconds", "unknown_seconds", "maintenance_seconds",
		"inactive_seconds", "incidents", "longest_incident_seconds", "mean_time_to_recovery_seconds"})
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	maybe := func(f *float64) string {
		if f == nil {
			return ""
		}
		return number(*f)
	}
	for _, r := range rows {
		u := r.Uptime
		w.Write([]string{string(r.Subject.Kind), cell(r.Subject.ID), cell(r.Name), strconv.FormatBool(r.Deleted),
			u.From.UTC().Format(time.RFC3339), u.To.UTC().Format(time.RFC3339), maybe(u.Percent), number(u.Total),
			number(u.Passing), number(u.Warning), number(u.Error), number(u.Critical), number(u.Unknown), number(u.Maintenance),
			number(u.Inactive), strconv.Itoa(r.Incidents), number(r.Longest), maybe(r.Recovery)})
	}
	w.Flush()
	return out.Bytes()
}

// cell keeps a text from being a formula in a spreadsheet.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
