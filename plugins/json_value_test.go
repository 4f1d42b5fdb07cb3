package plugins_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"moonwatch/engine"
)

// Answers of the servers that this check is for, as they document them.
const (
	elastic = `{"took":5,"timed_out":false,"_shards":{"total":1,"successful":1},"hits":{"total":{"value":120,"relation":"eq"},"max_score":1.0,"hits":[]},"aggregations":{"p95":{"values":{"95.0":812.5}}}}`
	influx  = `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","mean"],"values":[["2026-03-04T05:06:07Z",73.25]]}]}]}`
	odd     = `{"text":"12.5","no":"many","null":null,"flag":true,"list":[1],"big":123456789012345678901}`
)

func TestJSONValue(t *testing.T) {
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
		{name: "passes", body: elastic, config: map[string]any{"fail": 200}, want: verdict{message: "hits.total.value is 120"}},
		{name: "fails", body: elastic, want: verdict{err: "hits.total.value is 120 (> 100)", raw: "_shards"}},
		{name: "warns", body: elastic, config: map[string]any{"warn": 100, "fail": 200, "unit": "hits"}, want: verdict{err: "hits.total.value is 120 hits (> 100)", severity: engine.StatusWarning}},
		{name: "at the threshold", body: elastic, config: map[string]any{"fail": 120}},
		{name: "too few", body: elastic, config: map[string]any{"comparison": "<=", "fail": 120}, want: verdict{err: "hits.total.value is 120 (<= 120)"}},
		{name: "a key with a dot", body: elastic, config: map[string]any{"path": `aggregations.p95.values["95.0"]`, "fail": 800}, want: verdict{err: `aggregations.p95.values["95.0"] is 812.5 (> 800)`}},
		{name: "influx", body: influx, config: map[string]any{"path": "results[0].series[0].values[0][1]", "fail": 70}, want: verdict{err: "results[0].series[0].values[0][1] is 73.25 (> 70)"}},
		{name: "text", body: odd, config: map[string]any{"path": "text"}, want: verdict{message: "text is 12.5"}},
		{name: "beyond 2^53", body: odd, config: map[string]any{"path": "big"}, want: verdict{err: "big is 1.23456789e+20 (> 100)"}},
		{name: "missing", body: odd, config: map[string]any{"path": "a.b"}, want: verdict{unknown: true, err: "There is no number at a.b", raw: "flag"}},
		{name: "no number", body: odd, config: map[string]any{"path": "no"}, want: verdict{unknown: true, err: "There is no number at no"}},
		{name: "null", body: odd, config: map[string]any{"path": "null"}, want: verdict{unknown: true, err: "There is no number at null"}},
		{name: "boolean", body: odd, config: map[string]any{"path": "flag"}, want: verdict{unknown: true, err: "There is no number at flag"}},
		{name: "list", body: odd, config: map[string]any{"path": "list"}, want: verdict{unknown: true, err: "There is no number at list"}},
		{name: "null alone", body: "null", want: verdict{unknown: true, err: "There is no number at hits.total.value"}},
		{name: "wrong code", status: 503, body: "sleepy", want: verdict{err: "Wrong code: got 503 (expected 2xx)", raw: "sleepy"}},
		{name: "garbage", body: "<html>", want: verdict{unknown: true, err: "Response body is not JSON: not JSON", raw: "<html>"}},
		{name: "cut off", body: elastic[:60], want: verdict{unknown: true, err: "Response body is not JSON: not JSON: a string without its end"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.status, server.body = max(tt.status, 200), tt.body
			tt.want.compare(t, b.run("json_value", check{config: with(map[string]any{"endpoint": server.URL, "path": "hits.total.value", "fail": 100}, tt.config)}))
		})
	}

	t.Run("request", func(t *testing.T) {
		var last *http.Request
		var body []byte
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			last = r
			body, _ = io.ReadAll(r.Body)
			fmt.Fprint(w, elastic)
		}))
		defer server.Close()
		config := map[string]any{"endpoint": server.URL + "/logs/_search?size=0", "method": "POST", "body": `{"query":{}}`, "path": "hits.total.value", "warn": 200, "fail": 300, "unit": "hits",
			"username": "ada", "password": "enigma", "headers": "X-Key: opensesame"}
		got := b.run("json_value", check{config: config})
		user, password, _ := last.BasicAuth()
		if !got.Succeeded || last.Method != "POST" || string(body) != `{"query":{}}` || last.Header.Get("Content-Type") != "application/json" || last.Header.Get("X-Key") != "opensesame" || user != "ada" || password != "enigma" {
			t.Errorf("got %+v for %s %s %v %q", got, last.Method, last.URL, last.Header, body)
		}
		if m, _ := metric(got, "hits.total.value"); m.Value != 120 || m.Unit != "hits" || *m.Warn != 200 || *m.Fail != 300 {
			t.Errorf("got metric %+v", m)
		}
		b.run("json_value", check{config: with(config, map[string]any{"headers": "content-type: application/x-ndjson"})})
		if got := last.Header.Get("Content-Type"); got != "application/x-ndjson" {
			t.Errorf("got content type %q, want the check's own", got)
		}
	})
	for name, port := range faulty(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict{err: "Request error occurred: "}.compare(t, b.run("json_value", check{
				config: map[string]any{"endpoint": fmt.Sprintf("http://127.0.0.1:%d", port), "path": "a", "fail": 1}, timeout: short}))
		})
	}
}

func TestJSONValueConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"endpoint": "http://e:9200/", "path": "a[0].b", "fail": 1}
	b.checkConfig(t, "json_value", good, complaint{nil, ""}, complaint{map[string]any{"endpoint": nil}, "endpoint"}, complaint{map[string]any{"path": nil}, "path"},
		complaint{map[string]any{"path": "a..b"}, "path"}, complaint{map[string]any{"path": "a[x]"}, "path"}, complaint{map[string]any{"fail": nil}, "fail"},
		complaint{map[string]any{"fail": nil, "warn": 0}, ""}, complaint{map[string]any{"method": "PUT"}, "method"})
	if got := b.description(t, "json_value", good); got != "a[0].b in http://e:9200/" {
		t.Errorf("got description %q", got)
	}
}
