package plugins_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
)

// receiver stands for a vendor's server: requests go over the real network
// stack to a local one, whatever host they name, and are kept.
type receiver struct {
	host.Host
	t      testing.TB
	server *httptest.Server

	mu      sync.Mutex
	origin  []string   // scheme and host that each request named
	got     []received // guarded by mu, as all below
	answers []reply    // used in turn; the last repeats
}

// received is one request as it arrived.
type received struct {
	Method string
	URL    string // as the plugin wrote it
	Path   string // escaped
	Query  url.Values
	Header http.Header
	Body   string
}

// reply is one answer. The zero status hangs up in place of an answer.
type reply struct {
	status int
	body   string
	header map[string]string
}

func newReceiver(t testing.TB, answers ...reply) (*bench, *receiver) {
	t.Helper()
	network, err := host.New(host.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { network.Close() })
	r := &receiver{Host: network, t: t, answers: answers}
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.server.Close)
	return newBench(t, r), r
}

// HTTP sends a request to the local server in place of the one it names.
func (r *receiver) HTTP(ctx context.Context, req *host.HTTPRequest) (*host.HTTPResponse, error) {
	u, err := url.Parse(req.URL)
	if err != nil {
		return nil, &host.Error{Kind: host.Invalid, Message: err.Error()}
	}
	r.mu.Lock()
	r.origin = append(r.origin, u.Scheme+"://"+u.Host)
	r.mu.Unlock()
	local := *req
	local.URL = r.server.URL + strings.TrimPrefix(req.URL, u.Scheme+"://"+u.Host)
	return r.Host.HTTP(ctx, &local)
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	in := received{Method: req.Method, Path: req.URL.EscapedPath(), Query: req.URL.Query(), Header: req.Header, Body: string(body)}
	in.URL = r.origin[min(len(r.got), len(r.origin)-1)] + req.RequestURI // a kept connection that broke is asked again
	r.got = append(r.got, in)
	answer := r.answers[min(len(r.got), len(r.answers))-1]
	r.mu.Unlock()
	if answer.status == 0 {
		panic(http.ErrAbortHandler)
	}
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.status)
	fmt.Fprint(w, answer.body)
}

// answer sets what comes next, and forgets what came before.
func (r *receiver) answer(answers ...reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.origin, r.got, r.answers = nil, nil, answers
}

// requests returns what arrived since the last call of answer.
func (r *receiver) requests() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

// last is the newest request and its JSON body.
func (r *receiver) last() (received, map[string]any) {
	r.t.Helper()
	all := r.requests()
	if len(all) == 0 {
		r.t.Fatal("nothing was sent")
	}
	return all[len(all)-1], decode(r.t, all[len(all)-1].Body)
}

// form is the newest request and the fields of its form.
func (r *receiver) form() (received, url.Values) {
	r.t.Helper()
	all := r.requests()
	if len(all) == 0 {
		r.t.Fatal("nothing was sent")
	}
	return formOf(r.t, all[len(all)-1])
}

func formOf(t testing.TB, in received) (received, url.Values) {
	t.Helper()
	if kind := in.Header.Get("Content-Type"); kind != "application/x-www-form-urlencoded" {
		t.Errorf("got Content-Type %q", kind)
	}
	values, err := url.ParseQuery(in.Body)
	if err != nil {
		t.Fatal(err)
	}
	return in, values
}

// fault is an attempt that does not succeed.
type fault struct {
	name     string
	answer   reply
	change   func(a *alert)
	why      string // prefix
	after    time.Duration
	hopeless bool
	skipped  bool
}

// faults runs attempts that fail, and those that fail for everybody alike: the
// receiver is down, is broken, asks to wait, or to wait for too long. name is
// how reasons call the receiver.
func (r *receiver) faults(b *bench, slug, name string, base alert, list ...fault) {
	t := b.t.(*testing.T)
	wait := func(s string) map[string]string { return map[string]string{"Retry-After": s} }
	list = append(list,
		fault{name: "hangs up", why: name + " could not be reached: "},
		fault{name: "broken", answer: reply{status: 500, body: "<html>"}, why: name + " answered 500"},
		fault{name: "unavailable", answer: reply{status: 503, header: wait("7")}, why: name + " answered 503", after: 7 * time.Second},
		fault{name: "too many", answer: reply{status: 429, header: wait("20")}, why: name + " answered 429", after: 20 * time.Second},
		fault{name: "a day is too long", answer: reply{status: 429, header: wait("86400")}, why: name + " answered 429", after: 15 * time.Minute},
		fault{name: "no number", answer: reply{status: 429, header: wait("soon")}, why: name + " answered 429"},
		fault{name: "odd JSON", answer: reply{status: 500, body: `["error"]`}, why: name + " answered 500"},
		fault{name: "errors that are no text", answer: reply{status: 500, body: `{"errors":[{},null,[1]],"error":{"message":[1],"code":{}}}`}, why: name + " answered 500"},
		fault{name: "odder JSON", answer: reply{status: 502, body: `{"error":[1],"errors":7,"message":{},"code":"x","description":[],"retry_after":"never","parameters":3}`}, why: name + " answered 502"},
	)
	for _, f := range list {
		t.Run(f.name, func(t *testing.T) {
			r.answer(f.answer)
			a := base
			a.settings, a.service = with(base.settings), with(base.service)
			if f.change != nil {
				f.change(&a)
			}
			got, sent := b.send(slug, a)
			want := engine.OutcomeFailed
			if f.skipped {
				want = engine.OutcomeSkipped
			}
			if got.Outcome != want || !strings.HasPrefix(got.Why, f.why) || got.RetryAfter != f.after || got.NoRetry != f.hopeless || got.Traceback != "" {
				t.Errorf("got %+v, want %s %q after %v, hopeless %v", got, want, f.why, f.after, f.hopeless)
			}
			if len(sent) > 0 {
				t.Errorf("marked as reached: %v", sent)
			}
			for _, secret := range []string{"secret-", "0123456789abcdef"} {
				if strings.Contains(fmt.Sprint(got), secret) {
					t.Errorf("a secret is in %+v", got)
				}
			}
		})
	}
}

// of is the event of a kind, with what goes along.
func of(kind engine.AlertKind, status engine.Status) engine.AlertSnapshot {
	s := firing()
	s.Kind, s.OverallStatus, s.DeliveryID = kind, status, "d-"+string(kind)
	if kind == engine.AlertAcknowledged {
		s.Acknowledgement = &engine.AcknowledgementSnapshot{User: "ada", Comment: "on <it>", At: s.EventAt}
	}
	return s
}

// isUpdate reports whether the engine hands a kind to send_alert_update.
func isUpdate(kind engine.AlertKind) bool {
	switch kind {
	case engine.AlertAcknowledged, engine.AlertUnacknowledged, engine.AlertUpdate, engine.AlertDeescalation:
		return true
	}
	return false
}

// mustSend sends an event and fails the test unless it was sent.
func (b *bench) mustSend(slug string, a alert) []string {
	b.t.Helper()
	a.update = isUpdate(a.event.Kind)
	report, sent := b.send(slug, a)
	if report.Outcome != engine.OutcomeSent {
		b.t.Fatalf("%s: got %+v", a.event.Kind, report)
	}
	return sent
}
