package drawing

import (
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

func TestSpans(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 90 * time.Minute: "1 h 30 min", 11 * time.Hour: "11 h",
		25 * time.Hour: "1 d 1 h", 48 * time.Hour: "2 d", 400 * 24 * time.Hour: "400 d", -time.Second: "0 s",
	} {
		if got := Span(d); got != want {
			t.Errorf("span(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, one := range []struct {
		v    float64
		unit string
		want string
	}{
		{0.0015, "s", "1.5 ms"}, {0.25, "s", "250 ms"}, {3.14159, "s", "3.14 s"}, {1500, "ms", "1.50 s"}, {12, "ms", "12 ms"}, {1536, "B", "1.5 KiB"}, {99.5, "%", "99.5 %"},
		{1234567, "", "1\u202f234\u202f567"}, {-1234, "", "-1\u202f234"}, {0.1234567, "", "0.1235"}, {1e20, "", "1e+20"}, {0, "s", "0 ms"}, {-0.5, "s", "-0.5 s"}, {7, "jobs", "7 jobs"},
	} {
		if got := FormatNumber(one.v, one.unit); got != one.want {
			t.Errorf("formatNumber(%v, %q) = %q, want %q", one.v, one.unit, got, one.want)
		}
	}
}

func TestCounted(t *testing.T) {
	for n, want := range map[int]string{0: "0 checks", 1: "1 check", 2: "2 checks", 12345: "12\u202f345 checks"} {
		if got := Counted(n, "check"); got != want {
			t.Errorf("counted(%d) = %q, want %q", n, got, want)
		}
	}
}

// markup is a text that must not be taken for markup.
const markup = `<script>alert("x")</script>"'&{{.}}`

func TestCharts(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := NewSeries(now.Add(-time.Hour), now)
	warn := 5.0
	for i := range 60 {
		r := &engine.Result{Started: now.Add(-time.Duration(i) * time.Minute), Took: 0.1, Succeeded: i != 30, Unknown: i == 40,
			Metrics: []engine.Metric{{Name: markup, Value: float64(i % 7), Unit: markup, Warn: &warn}}}
		s.Add(r)
	}
	s.Add(&engine.Result{Started: now.Add(-2 * time.Hour), Took: 99, Succeeded: true}) // outside
	took := s.Took()
	if took.Last != "100 ms" || took.Empty || !strings.Contains(took.Summary, "between 100 ms and 100 ms") {
		t.Errorf("the response time is %+v", took)
	}
	drawn := string(DrawChart(took))
	for _, want := range []string{`class="failed" d="M`, `class="unknown" d="M`, `class="line" d="M`, "1 failed"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("the chart does not hold %q", want)
		}
	}
	metrics := s.Metrics()
	if len(metrics) != 1 || metrics[0].Bottom == metrics[0].Top {
		t.Fatalf("the metrics are %+v", metrics)
	}
	if drawn := string(DrawChart(metrics[0])); strings.Contains(drawn, "<script") || !strings.Contains(drawn, `class="warn-line"`) || strings.Contains(drawn, "NaN") {
		t.Errorf("the metric's chart is %s", drawn)
	}
	for _, values := range [][]float64{{0}, {-3, -5}, {1e300, -1e300}, {5, 5}, {1e-9}} {
		s := NewSeries(now.Add(-time.Hour), now)
		for i, v := range values {
			s.Add(&engine.Result{Started: now.Add(-time.Duration(i+1) * time.Minute), Succeeded: true, Metrics: []engine.Metric{{Name: "m", Value: v}}})
		}
		if drawn := string(DrawChart(s.Metrics()[0])); strings.Contains(drawn, "NaN") || strings.Contains(drawn, "Inf") {
			t.Errorf("%v is drawn as %s", values, drawn)
		}
	}
	if !NewSeries(now.Add(-time.Hour), now).Took().Empty {
		t.Error("a chart of nothing is not empty")
	}
}

func TestStatusBar(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := StatusBar{Results: []bar{BarOf(&engine.Result{Started: at, Succeeded: true, Took: 0.1}), BarOf(&engine.Result{Started: at, Error: markup}), BarOf(&engine.Result{Started: at, Unknown: true})}}
	drawn := string(DrawStatusBar(s))
	if strings.Count(drawn, "<path") != 4 || !strings.Contains(drawn, `class="none"`) || strings.Contains(drawn, "<script") || s.Summary() != "3 results, 1 failed, 1 unknown" {
		t.Errorf("%s: %s", s.Summary(), drawn)
	}
	if small := string(DrawSmallStrip(s)); strings.Count(small, "<path") != 4 || strings.Contains(small, "<title") {
		t.Errorf("in a row it is %s", small)
	}
}
