package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// object is any JSON object.
type object = map[string]any

// programClient speaks to monitors. One keep-alive pool serves all tests.
var programClient = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

// ask makes a request of the API; body is bytes as they are, or a value to encode.
func (m *program) ask(method, path string, body any) (int, []byte, http.Header) {
	m.t.Helper()
	var payload io.Reader
	switch body := body.(type) {
	case nil:
	case []byte:
		payload = bytes.NewReader(body)
	default:
		data, err := json.Marshal(body)
		if err != nil {
			m.t.Fatal(err)
		}
		payload = bytes.NewReader(data)
	}
	r, err := http.NewRequest(method, "http://"+m.address+"/api/v1"+path, payload)
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if m.token != "" {
		r.Header.Set("Authorization", "Bearer "+m.token)
	}
	answer, err := programClient.Do(r)
	if err != nil {
		m.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		m.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer.StatusCode, data, answer.Header
}

// api makes a request that succeeds, and decodes the answer into out, which may be nil.
func (m *program) api(method, path string, body, out any) {
	m.t.Helper()
	status, data, _ := m.ask(method, path, body)
	if status >= 300 {
		m.t.Fatalf("%s %s: %d %s", method, path, status, tail(string(data), 600))
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			m.t.Fatalf("%s %s: %v in %s", method, path, err, tail(string(data), 600))
		}
	}
}

// get asks an address outside the API, without credentials.
func (m *program) get(path string) (int, string, error) { return m.getAs("", path) }

func (m *program) getAs(token, path string) (int, string, error) {
	r, err := http.NewRequest("GET", "http://"+m.address+path, nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := programClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(data), err
}

// figure reads a figure of /metrics, with the token of the API.
func (m *program) figure(name string) float64 {
	m.t.Helper()
	status, text, err := m.getAs(m.token, "/metrics")
	if err != nil || status != 200 {
		m.t.Fatalf("/metrics: %d %v", status, err)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				m.t.Fatal(err)
			}
			return f
		}
	}
	m.t.Fatalf("/metrics has no %s", name)
	return 0
}

// made is what the API answers of an object that was made or edited.
type made struct {
	ID            string
	Status        string
	OverallStatus string `json:"overall_status"`
	Severity      string
}

// check makes a check of interval 1s, timeout 5s; more sets and overrides fields.
func (m *program) check(name, plugin string, config, more object) string {
	m.t.Helper()
	body := object{"name": name, "plugin": plugin, "config": config, "interval": "1s", "timeout": "5s"}
	for k, v := range more {
		body[k] = v
	}
	var c made
	m.api("POST", "/checks", body, &c)
	return c.ID
}

// service makes a service of checks; more sets and overrides fields.
func (m *program) service(name string, checks []string, more object) string {
	m.t.Helper()
	body := object{"name": name, "status_checks": checks}
	for k, v := range more {
		body[k] = v
	}
	var s made
	m.api("POST", "/services", body, &s)
	return s.ID
}

// resultView is a result as the API gives it.
type resultView struct {
	Started   time.Time
	Took      float64
	Succeeded bool
	Unknown   bool
	Cause     string
	Severity  string
	Error     string
	Message   string
	Version   string `json:"plugin_version"`
	Metrics   []struct {
		Name  string
		Value float64
	}
	Log []struct{ Message string }
}

// results are a check's results, the newest first, since from (zero: all).
func (m *program) results(check string, from time.Time) []resultView {
	m.t.Helper()
	var all []resultView
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
			Items []resultView
			Next  *string
		}
		m.api("GET", "/checks/"+check+"/results?"+q.Encode(), nil, &page)
		all = append(all, page.Items...)
		if page.Next == nil {
			return all
		}
		cursor = *page.Next
	}
}

// latest is a check's newest result, and whether there is one.
func (m *program) latest(check string) (resultView, bool) {
	m.t.Helper()
	var page struct{ Items []resultView }
	m.api("GET", "/checks/"+check+"/results?limit=1", nil, &page)
	if len(page.Items) == 0 {
		return resultView{}, false
	}
	return page.Items[0], true
}

// pluginStatus is a plugin as the API gives it.
type pluginStatus struct {
	Slug, Name, Kind, Version, File, State string
	RunningVersion                         string `json:"running_version"`
	LoadedAt                               time.Time
	Error                                  *struct {
		Message, File string
		Line          int
	}
	Problems []struct {
		Message, File string
		Line          int
	}
	Forms map[string]object
}

// plugin reads a plugin, and whether it is there.
func (m *program) plugin(slug string) (pluginStatus, bool) {
	m.t.Helper()
	status, data, _ := m.ask("GET", "/plugins/"+slug, nil)
	var p pluginStatus
	if status != 200 {
		return p, false
	}
	var loaded struct {
		LoadedAt time.Time `json:"loaded_at"`
	}
	for _, into := range []any{&p, &loaded} {
		if err := json.Unmarshal(data, into); err != nil {
			m.t.Fatal(err)
		}
	}
	p.LoadedAt = loaded.LoadedAt
	return p, true
}

// awaitPlugin waits until a plugin is active in a version.
func (m *program) awaitPlugin(slug, version string) time.Duration {
	m.t.Helper()
	return until(m.t, "the plugin "+slug+" active as "+version, 5*time.Second, func() bool {
		p, ok := m.plugin(slug)
		return ok && p.State == "active" && p.RunningVersion == version
	})
}

// arrival is a request that came to a receiver.
type arrival struct {
	at     time.Time
	path   string
	header http.Header
	body   string
}

// receiver is a loopback server that keeps what arrives.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex // guards what follows
	arrived []arrival
	answer  func(w http.ResponseWriter, r *http.Request)
}

// newReceiver returns a receiver that answers 200 until answering says otherwise.
func newReceiver(t testing.TB) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.arrived = append(r.arrived, arrival{time.Now(), req.URL.Path, req.Header.Clone(), string(body)})
		answer := r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(w, req)
			return
		}
		fmt.Fprintln(w, "ok")
	}))
	t.Cleanup(func() {
		r.CloseClientConnections()
		r.Close()
	})
	return r
}

// answering changes what the receiver answers; nil is 200.
func (r *receiver) answering(fn func(w http.ResponseWriter, req *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = fn
}

// status answers with one code.
func (r *receiver) status(code int) {
	r.answering(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

// at are the arrivals on a path.
func (r *receiver) at(path string) []arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []arrival
	for _, a := range r.arrived {
		if a.path == path {
			out = append(out, a)
		}
	}
	return out
}
