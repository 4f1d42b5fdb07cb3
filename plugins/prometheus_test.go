package plugins_test

import (
	"fmt"
	"strings"
	"testing"

	"moonwatch/engine"
)

// promAnswer is an answer of /api/v1/query, as Prometheus documents it.
func promAnswer(kind, result string) string {
	return `{"status":"success","data":{"resultType":"` + kind + `","result":` + result + `}}`
}

const twoHosts = `[{"metric":{"__name__":"load","job":"node","instance":"a:9100"},"value":[1435781451.781,"95"]},{"metric":{"__name__":"load","instance":"b:9100","job":"node"},"value":[1435781451.781,"12.5"]}]`

func TestPrometheus(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	server := serveAnswers(t)
	var many []string
	for i := range 150 {
		many = append(many, fmt.Sprintf(`{"metric":{"n":"%d"},"value":[1,"91"]}`, i))
	}
	for _, tt := range []struct {
		name   string
		body   string
		status int
		config map[string]any
		want   verdict
	}{
		{name: "passes", body: promAnswer("vector", twoHosts), config: map[string]any{"fail": 100}, want: verdict{message: "2 series are fine"}},
		{name: "fails", body: promAnswer("vector", twoHosts), want: verdict{err: "load{instance=a:9100, job=node} is 95 (> 90)", raw: "9100"}},
		{name: "warns", body: promAnswer("vector", twoHosts), config: map[string]any{"fail": 100, "warn": 90}, want: verdict{err: "load{instance=a:9100, job=node} is 95 (> 90)", severity: engine.StatusWarning}},
		{name: "failing wins", body: promAnswer("vector", twoHosts), config: map[string]any{"warn": 10}, want: verdict{err: "load{instance=a:9100, job=node} is 95 (> 90)"}},
		{name: "below", body: promAnswer("vector", twoHosts), config: map[string]any{"comparison": "<", "fail": 20}, want: verdict{err: "load{instance=b:9100, job=node} is 12.5 (< 20)"}},
		{name: "differs", body: promAnswer("vector", `[{"metric":{},"value":[1,"1"]}]`), config: map[string]any{"comparison": "!=", "fail": 1}, want: verdict{message: "value is 1"}},
		{name: "scalar", body: promAnswer("scalar", `[1435781451.781,"1e2"]`), want: verdict{err: "value is 100 (> 90)"}},
		{name: "range", body: promAnswer("matrix", `[{"metric":{"job":"x"},"values":[[1,"95"],[2,"5"]]}]`), want: verdict{message: "{job=x} is 5"}},
		{name: "infinite", body: promAnswer("vector", `[{"metric":{},"value":[1,"+Inf"]}]`), want: verdict{err: "value is inf (> 90)"}},
		{name: "text", body: promAnswer("string", `[1,"x"]`), want: verdict{unknown: true, err: "The query gives a string, which is no number"}},
		{name: "empty", body: promAnswer("vector", `[]`), want: verdict{unknown: true, err: "No series for up"}},
		{name: "NaN", body: promAnswer("vector", `[{"metric":{},"value":[1,"NaN"]}]`), want: verdict{unknown: true, err: "No series for up"}},
		{name: "empty passes", body: promAnswer("vector", `[]`), config: map[string]any{"on_empty": "pass"}, want: verdict{message: "No series for up"}},
		{name: "empty fails", body: promAnswer("vector", `[]`), config: map[string]any{"on_empty": "fail"}, want: verdict{err: "No series for up"}},
		{name: "many", body: promAnswer("vector", "["+strings.Join(many, ",")+"]"), want: verdict{err: "{n=0} is 91 (> 90); {n=1} is 91 (> 90); {n=2} is 91 (> 90); {n=3} is 91 (> 90); {n=4} is 91 (> 90); and 145 more"}},
		{name: "bad query", status: 400, body: `{"status":"error","errorType":"bad_data","error":"1:3: parse error: unexpected end of input"}`,
			want: verdict{unknown: true, err: "Prometheus refused the query: 1:3: parse error: unexpected end of input"}},
		{name: "down", status: 503, body: "Service Unavailable", want: verdict{unknown: true, err: "Prometheus could not be asked: it answered 503"}},
		{name: "garbage", body: "<html>", want: verdict{unknown: true, err: "The answer is not that of Prometheus: not JSON"}},
		{name: "other JSON", body: `{"data":7}`, want: verdict{unknown: true, err: "The answer is not that of Prometheus"}},
		{name: "odd types", body: promAnswer("vector", `[7,{"value":"x"},{"metric":3,"value":[1,{}]}]`), want: verdict{unknown: true, err: "No series for up"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.status, server.body = max(tt.status, 200), tt.body
			tt.want.compare(t, b.run("prometheus", check{config: with(map[string]any{"server": server.URL, "query": "up", "fail": 90}, tt.config)}))
		})
	}

	t.Run("request", func(t *testing.T) {
		server.status, server.body = 200, promAnswer("vector", twoHosts)
		got := b.run("prometheus", check{config: map[string]any{"server": server.URL + "/prom/", "query": `sum(up{job="a"}) > 1`, "warn": 200, "fail": 300, "headers": "Authorization: Bearer sesame-sesame"}})
		if !got.Succeeded || server.last.URL.Path != "/prom/api/v1/query" || server.form["query"][0] != `sum(up{job="a"}) > 1` || server.last.Header.Get("Authorization") != "Bearer sesame-sesame" {
			t.Errorf("got %+v for %s %v", got, server.last.URL, server.form)
		}
		if m, _ := metric(got, "load{instance=b:9100, job=node}"); m.Value != 12.5 || m.Warn == nil || *m.Warn != 200 || m.Fail == nil || *m.Fail != 300 {
			t.Errorf("got metric %+v", m)
		}
	})
	for name, port := range faulty(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict{unknown: true, err: "Prometheus could not be asked: "}.compare(t, b.run("prometheus", check{
				config: map[string]any{"server": fmt.Sprintf("http://127.0.0.1:%d", port), "query": "up", "fail": 1}, timeout: short}))
		})
	}
}

func TestPrometheusConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"server": "http://prom:9090", "query": "up\n  == 0", "fail": 1, "warn": 0.5}
	values := b.checkConfig(t, "prometheus", good, complaint{nil, ""}, complaint{map[string]any{"server": "prom"}, "server"}, complaint{map[string]any{"query": nil}, "query"},
		complaint{map[string]any{"comparison": "~"}, "comparison"}, complaint{map[string]any{"fail": "x"}, "fail"}, complaint{map[string]any{"fail": nil}, ""},
		complaint{map[string]any{"fail": nil, "warn": nil}, "fail"}, complaint{map[string]any{"on_empty": "maybe"}, "on_empty"})
	if values["comparison"] != ">" || values["on_empty"] != "unknown" {
		t.Errorf("got defaults %v", values)
	}
	if got := b.description(t, "prometheus", good); got != "up == 0 warns > 0.5, fails > 1" {
		t.Errorf("got description %q", got)
	}
}
