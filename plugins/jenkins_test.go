package plugins_test

import (
	"fmt"
	"testing"
	"time"
)

// job is the answer of /job/X/api/json?tree=…, as Jenkins writes it.
func job(more string) string {
	return `{"_class":"hudson.model.FreeStyleProject",` + more + `}`
}

const (
	goodBuild = `"buildable":true,"inQueue":false,"queueItem":null,"lastCompletedBuild":{"_class":"hudson.model.FreeStyleBuild","duration":12345,"number":7,"result":"SUCCESS","url":"https://j/job/X/7/"},"lastStableBuild":{"_class":"hudson.model.FreeStyleBuild","number":7}`
	badBuild  = `"buildable":true,"inQueue":false,"queueItem":null,"lastCompletedBuild":{"number":9,"result":"FAILURE","duration":1000},"lastStableBuild":{"number":7}`
	neverGood = `"buildable":true,"inQueue":false,"lastCompletedBuild":{"number":3,"result":"FAILURE"},"lastStableBuild":null`
	unstable  = `"buildable":true,"inQueue":false,"lastCompletedBuild":{"number":8,"result":"UNSTABLE"},"lastStableBuild":{"number":7}`
	neverRan  = `"buildable":true,"inQueue":false,"queueItem":null,"lastCompletedBuild":null,"lastStableBuild":null`
	disabled  = `"buildable":false,"inQueue":false,"lastCompletedBuild":{"number":7,"result":"SUCCESS"},"lastStableBuild":{"number":7}`
)

func TestJenkins(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.now = time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	waiting := func(d time.Duration, build string) string {
		return job(fmt.Sprintf(`"inQueue":true,"queueItem":{"_class":"hudson.model.Queue$BlockedItem","inQueueSince":%d,"why":"Build #8 is already in progress"},`, b.now.Add(-d).UnixMilli()) + build)
	}
	const ready = `"buildable":true,"lastCompletedBuild":{"number":7,"result":"SUCCESS"},"lastStableBuild":{"number":7}`
	const failing = `"buildable":true,"lastCompletedBuild":{"number":8,"result":"FAILURE"},"lastStableBuild":{"number":7}`
	server := serveAnswers(t)
	for _, tt := range []struct {
		name   string
		body   string
		status int
		config map[string]any
		want   verdict
	}{
		{name: "passes", body: job(goodBuild), want: verdict{message: "Build 7: SUCCESS"}},
		{name: "fails", body: job(badBuild), want: verdict{err: `Job "X" failing on Jenkins (2)`, raw: "FAILURE"}},
		{name: "allowed", body: job(badBuild), config: map[string]any{"allowed_consecutive_failures": 2}},
		{name: "more than allowed", body: job(badBuild), config: map[string]any{"allowed_consecutive_failures": 1}, want: verdict{err: `Job "X" failing on Jenkins (2)`}},
		{name: "never good", body: job(neverGood), want: verdict{err: `Job "X" failing on Jenkins (3)`}},
		{name: "unstable", body: job(unstable), want: verdict{err: `Job "X" failing on Jenkins (1)`}},
		{name: "never ran", body: job(neverRan), want: verdict{unknown: true, err: `Job "X" has no completed build on Jenkins`}},
		{name: "disabled", body: job(disabled), want: verdict{err: `Job "X" disabled on Jenkins`}},
		{name: "waits", body: waiting(5*time.Minute, ready), config: map[string]any{"max_queued_build_time": 10}},
		{name: "waits too long", body: waiting(700*time.Second, ready), config: map[string]any{"max_queued_build_time": 10}, want: verdict{err: `Job "X" has blocked build waiting for 700s (> 10m)`}},
		{name: "waits as it likes", body: waiting(time.Hour, ready)},
		{name: "waits and fails", body: waiting(700*time.Second, failing), config: map[string]any{"max_queued_build_time": 10},
			want: verdict{err: `Job "X" has blocked build waiting for 700s (> 10m); Job "X" failing on Jenkins (1)`}},
		{name: "not found", status: 404, body: "Not Found", want: verdict{err: "Job X not found on Jenkins"}},
		{name: "not allowed", status: 401, want: verdict{unknown: true, err: "Error fetching from Jenkins - returned 401"}},
		{name: "down", status: 503, body: "Jenkins is getting ready to work", want: verdict{unknown: true, err: "Error fetching from Jenkins - returned 503", raw: "getting ready"}},
		{name: "garbage", body: "<html>", want: verdict{unknown: true, err: "Error fetching from Jenkins - not JSON"}},
		{name: "a folder", body: `{"_class":"com.cloudbees.hudson.plugins.folder.Folder"}`, want: verdict{unknown: true, err: "Error fetching from Jenkins - the answer is not that of a job"}},
		{name: "odd types", body: `{"buildable":true,"inQueue":true,"queueItem":7,"lastCompletedBuild":{"number":"x","result":3},"lastStableBuild":[]}`, want: verdict{err: `Job "X" failing on Jenkins (1)`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.status, server.body = max(tt.status, 200), tt.body
			tt.want.compare(t, b.run("jenkins", check{config: with(map[string]any{"job": "X"}, tt.config), settings: map[string]any{"api": server.URL}}))
		})
	}

	t.Run("request", func(t *testing.T) {
		b := newBench(t, nil)
		b.env["JENKINS_API"], b.env["JENKINS_USER"], b.env["JENKINS_PASS"] = server.URL+"/ci/", "ada", "enigma"
		server.status, server.body = 200, job(goodBuild)
		got := b.run("jenkins", check{config: map[string]any{"job": "shop/deploy all"}})
		user, password, _ := server.last.BasicAuth()
		if !got.Succeeded || server.last.URL.EscapedPath() != "/ci/job/shop/job/deploy%20all/api/json" || user != "ada" || password != "enigma" {
			t.Errorf("got %+v for %s as %s, %s", got, server.last.URL, user, password)
		}
		if value(t, got, "duration") != 12.345 || value(t, got, "consecutive_failures") != 0 {
			t.Errorf("got metrics %+v", got.Metrics)
		}
	})

	t.Run("not set", func(t *testing.T) {
		verdict{unknown: true, err: "JENKINS_API is not set"}.compare(t, newBench(t, nil).run("jenkins", check{config: map[string]any{"job": "X"}}))
	})
	for name, port := range faulty(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict{unknown: true, err: "Error fetching from Jenkins - "}.compare(t, b.run("jenkins", check{
				config: map[string]any{"job": "X"}, settings: map[string]any{"api": fmt.Sprintf("http://127.0.0.1:%d", port)}, timeout: short}))
		})
	}
}

func TestJenkinsConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"job": "folder/deploy"}
	b.checkConfig(t, "jenkins", good, complaint{nil, ""}, complaint{map[string]any{"job": nil}, "job"},
		complaint{map[string]any{"max_queued_build_time": 0}, "max_queued_build_time"}, complaint{map[string]any{"allowed_consecutive_failures": -1}, "allowed_consecutive_failures"})
	if got := b.description(t, "jenkins", good); got != "Jenkins job folder/deploy" {
		t.Errorf("got description %q", got)
	}
}
