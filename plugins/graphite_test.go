package plugins_test

import (
	"fmt"
	"testing"
)

// Two shapes of render?format=json, as Graphite documents it.
const (
	oneSeries  = `[{"target": "stats.web1.load", "tags": {"name": "stats.web1.load"}, "datapoints": [[1.5, 1387817360], [null, 1387817370], [9.5, 1387817380], [2.0, 1387817390]]}]`
	fourSeries = `[
		{"target": "stats.web1.load", "datapoints": [[1.0, 1387817360], [2.0, 1387817370]]},
		{"target": "stats.web2.load", "datapoints": [[12, 1387817360], [3, 1387817370]]},
		{"target": "stats.web3.load", "datapoints": [[10.25, 1387817360], [null, 1387817370]]},
		{"target": "stats.web4.load", "datapoints": [[null, 1387817360], [null, 1387817370]]}]`
	noData = `[{"target": "stats.web1.load", "datapoints": [[null, 1387817360], [null, 1387817370]]}]`
)

func TestGraphite(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	server := serveAnswers(t)
	for _, tt := range []struct {
		name   string
		body   string
		status int
		config map[string]any
		want   verdict
	}{
		{name: "passes", body: oneSeries, config: map[string]any{"value": 10}, want: verdict{message: "1 of 1 series are fine"}},
		{name: "crosses", body: oneSeries, want: verdict{err: "stats.web1.load: 9.5 > 9.0", raw: "9.5"}},
		{name: "equal is not above", body: oneSeries, config: map[string]any{"value": 9.5}},
		{name: "at least", body: oneSeries, config: map[string]any{"value": 9.5, "check_type": ">="}, want: verdict{err: "stats.web1.load: 9.5 >= 9.5"}},
		{name: "below", body: oneSeries, config: map[string]any{"value": 1.75, "check_type": "<"}, want: verdict{err: "stats.web1.load: 1.5 < 1.75"}},
		{name: "at most", body: oneSeries, config: map[string]any{"value": 1, "check_type": "<="}},
		{name: "equals", body: oneSeries, config: map[string]any{"value": 2, "check_type": "=="}, want: verdict{err: "stats.web1.load: 2 == 2.0"}},
		{name: "several", body: fourSeries, want: verdict{err: "web2: 12 > 9.0, web3: 10.25 > 9.0"}},
		{name: "as many as allowed", body: fourSeries, config: map[string]any{"allowed_num_failures": 2}, want: verdict{message: "1 of 3 series are fine"}},
		{name: "more than allowed", body: fourSeries, config: map[string]any{"allowed_num_failures": 1}, want: verdict{err: "web2: 12 > 9.0"}},
		{name: "hosts missing", body: fourSeries, config: map[string]any{"expected_num_hosts": 4, "value": 100}, want: verdict{err: "Hosts missing | 3/4 hosts", raw: "web4"}},
		{name: "hosts there", body: fourSeries, config: map[string]any{"expected_num_hosts": 3, "value": 100}},
		{name: "no data", body: noData, want: verdict{unknown: true, err: "No data for stats.*.load since -10minute"}},
		{name: "no data of many", body: noData, config: map[string]any{"expected_num_hosts": 2}, want: verdict{unknown: true, err: "No data for"}},
		{name: "no series", body: `[]`, want: verdict{unknown: true, err: "No data for"}},
		{name: "error", body: "Traceback", status: 500, want: verdict{unknown: true, err: "Error fetching from Graphite: it answered 500", raw: "Traceback"}},
		{name: "garbage", body: "<html>", want: verdict{unknown: true, err: "Error fetching from Graphite: not JSON", raw: "<html>"}},
		{name: "other JSON", body: `[{"target": 7, "datapoints": "none"}, [], 3, {"datapoints": [1, {}, [true]]}]`, want: verdict{unknown: true, err: "No data"}},
		{name: "an object", body: `{"error": "x"}`, want: verdict{unknown: true, err: "No data"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.status, server.body = max(tt.status, 200), tt.body
			got := b.run("graphite", check{
				config:   with(map[string]any{"metric": "stats.*.load", "check_type": ">", "value": 9}, tt.config),
				settings: map[string]any{"api": server.URL + "/"},
			})
			tt.want.compare(t, got)
		})
	}

	t.Run("metrics", func(t *testing.T) {
		server.status, server.body = 200, fourSeries
		got := b.run("graphite", check{config: map[string]any{"metric": "m", "check_type": ">", "value": 9}, settings: map[string]any{"api": server.URL}})
		if m, _ := metric(got, "web3"); m.Value != 10.25 || m.Fail == nil || *m.Fail != 9 {
			t.Errorf("got %+v, want the last point and the threshold", m)
		}
	})

	t.Run("request", func(t *testing.T) {
		b := newBench(t, nil)
		b.env["GRAPHITE_API"], b.env["GRAPHITE_USER"], b.env["GRAPHITE_PASS"], b.env["GRAPHITE_FROM"] = server.URL+"/g/", "ada", "enigma", "-1h"
		server.status, server.body = 200, oneSeries
		verdict{}.compare(t, b.run("graphite", check{config: map[string]any{"metric": "sum(a.*, b)", "check_type": ">", "value": 100}}))
		user, password, _ := server.last.BasicAuth()
		if q := server.form; server.last.URL.Path != "/g/render" || q["target"][0] != "sum(a.*, b)" || q["format"][0] != "json" || q["from"][0] != "-1h" || user != "ada" || password != "enigma" {
			t.Errorf("got %s %v, %s, %s", server.last.URL, server.form, user, password)
		}
	})

	t.Run("not set", func(t *testing.T) {
		verdict{unknown: true, err: "GRAPHITE_API is not set"}.compare(t, newBench(t, nil).run("graphite", check{config: map[string]any{"metric": "m", "check_type": ">", "value": 1}}))
	})
	for name, port := range faulty(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict{unknown: true, err: "Error fetching from Graphite: "}.compare(t, b.run("graphite", check{
				config:   map[string]any{"metric": "m", "check_type": ">", "value": 1},
				settings: map[string]any{"api": fmt.Sprintf("http://127.0.0.1:%d", port)}, timeout: short}))
		})
	}
}

func TestGraphiteConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"metric": "a.b", "check_type": "<", "value": 0.5}
	values := b.checkConfig(t, "graphite", good,
		complaint{nil, ""}, complaint{map[string]any{"metric": nil}, "metric"}, complaint{map[string]any{"check_type": "=>"}, "check_type"},
		complaint{map[string]any{"value": "many"}, "value"}, complaint{map[string]any{"expected_num_hosts": -1}, "expected_num_hosts"},
		complaint{map[string]any{"allowed_num_failures": 1.5}, "allowed_num_failures"})
	if fmt.Sprint(values["expected_num_hosts"], values["allowed_num_failures"]) != "0 0" {
		t.Errorf("got defaults %v", values)
	}
	if got := b.description(t, "graphite", good); got != "Fails when a.b < 0.5" {
		t.Errorf("got description %q", got)
	}
}
