package programtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Object is any JSON object.
type Object = map[string]any

// Client speaks to monitors. One keep-alive pool serves all tests.
var Client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

// Ask makes a request of the API; body is bytes as they are, or a value to encode.
func (m *Program) Ask(method, path string, body any) (int, []byte, http.Header) {
	m.T.Helper()
	var payload io.Reader
	switch body := body.(type) {
	case nil:
	case []byte:
		payload = bytes.NewReader(body)
	default:
		data, err := json.Marshal(body)
		if err != nil {
			m.T.Fatal(err)
		}
		payload = bytes.NewReader(data)
	}
	r, err := http.NewRequest(method, "http://"+m.Address+"/api/v1"+path, payload)
	if err != nil {
		m.T.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if m.Token != "" {
		r.Header.Set("Authorization", "Bearer "+m.Token)
	}
	answer, err := Client.Do(r)
	if err != nil {
		m.T.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		m.T.Fatalf("%s %s: %v", method, path, err)
	}
	return answer.StatusCode, data, answer.Header
}

// API makes a request that succeeds, and decodes the answer into out, which may be nil.
func (m *Program) API(method, path string, body, out any) {
	m.T.Helper()
	status, data, _ := m.Ask(method, path, body)
	if status >= 300 {
		m.T.Fatalf("%s %s: %d %s", method, path, status, Tail(string(data), 600))
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			m.T.Fatalf("%s %s: %v in %s", method, path, err, Tail(string(data), 600))
		}
	}
}

// Get asks an address outside the API, without credentials.
func (m *Program) Get(path string) (int, string, error) { return m.GetAs("", path) }

// GetAs is Get with a token; "" is none.
func (m *Program) GetAs(token, path string) (int, string, error) {
	r, err := http.NewRequest("GET", "http://"+m.Address+path, nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := Client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(data), err
}

// Figure reads a figure of /metrics, with the token of the API.
func (m *Program) Figure(name string) float64 {
	m.T.Helper()
	status, text, err := m.GetAs(m.Token, "/metrics")
	if err != nil || status != 200 {
		m.T.Fatalf("/metrics: %d %v", status, err)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				m.T.Fatal(err)
			}
			return f
		}
	}
	m.T.Fatalf("/metrics has no %s", name)
	return 0
}

// Made is what the API answers of an object that was made or edited.
type Made struct {
	ID            string
	Status        string
	OverallStatus string `json:"overall_status"`
	Severity      string
}

// Check makes a check of interval 1s, timeout 5s; more sets and overrides fields.
func (m *Program) Check(name, plugin string, config, more Object) string {
	m.T.Helper()
	body := Object{"name": name, "plugin": plugin, "config": config, "interval": "1s", "timeout": "5s"}
	for k, v := range more {
		body[k] = v
	}
	var c Made
	m.API("POST", "/checks", body, &c)
	return c.ID
}

// Service makes a service of checks; more sets and overrides fields.
func (m *Program) Service(name string, checks []string, more Object) string {
	m.T.Helper()
	body := Object{"name": name, "status_checks": checks}
	for k, v := range more {
		body[k] = v
	}
	var s Made
	m.API("POST", "/services", body, &s)
	return s.ID
}

// ResultView is a result as the API gives it.
type ResultView struct {
	Started   time.Time
	Took      float64
	Succeeded bool
	Unknown   bool
	Cause     string
	Severity  string
	Error     string
	Message   string
	Version   string `json:"plugin_version"`
	Metrics   []MetricView
	Log       []LogLine
}

// MetricView is a metric of a result.
type MetricView struct {
	Name  string
	Value float64
}

// LogLine is what a plugin printed.
type LogLine struct{ Message string }

// Results are a check's results, the newest first, since from (zero: all).
func (m *Program) Results(check string, from time.Time) []ResultView {
	m.T.Helper()
	var all []ResultView
	cursor := ""
	for {
		q := url.Values{"limit": {"500"}}
		if !from.IsZero() {
			q.Set("from", from.UTC().Format(time.RFC3339Nano))
		}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		var page struct {
			Items []ResultView
			Next  *string
		}
		m.API("GET", "/checks/"+check+"/results?"+q.Encode(), nil, &page)
		all = append(all, page.Items...)
		if page.Next == nil {
			return all
		}
		cursor = *page.Next
	}
}

// Latest is a check's newest result, and whether there is one.
func (m *Program) Latest(check string) (ResultView, bool) {
	m.T.Helper()
	var page struct{ Items []ResultView }
	m.API("GET", "/checks/"+check+"/results?limit=1", nil, &page)
	if len(page.Items) == 0 {
		return ResultView{}, false
	}
	return page.Items[0], true
}

// PluginStatus is a plugin as the API gives it.
type PluginStatus struct {
	Slug, Name, Kind, Version, File, State string
	RunningVersion                         string `json:"running_version"`
	LoadedAt                               time.Time
	Error                                  *ProblemView
	Problems                               []ProblemView
	Forms                                  map[string]Object
}

// ProblemView is a problem of a plugin, and where it is.
type ProblemView struct {
	Message, File string
	Line          int
}

// Plugin reads a plugin, and whether it is there.
func (m *Program) Plugin(slug string) (PluginStatus, bool) {
	m.T.Helper()
	status, data, _ := m.Ask("GET", "/plugins/"+slug, nil)
	var p PluginStatus
	if status != 200 {
		return p, false
	}
	var loaded struct {
		LoadedAt time.Time `json:"loaded_at"`
	}
	for _, into := range []any{&p, &loaded} {
		if err := json.Unmarshal(data, into); err != nil {
			m.T.Fatal(err)
		}
	}
	p.LoadedAt = loaded.LoadedAt
	return p, true
}

// AwaitPlugin waits until a plugin is active in a version.
func (m *Program) AwaitPlugin(slug, version string) time.Duration {
	m.T.Helper()
	return Until(m.T, "the plugin "+slug+" active as "+version, 5*time.Second, func() bool {
		p, ok := m.Plugin(slug)
		return ok && p.State == "active" && p.RunningVersion == version
	})
}
