package plugins_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

// rdap is a domain as registries answer it (RFC 9083).
func rdap(expires, status string) string {
	events := `{"eventAction":"registration","eventDate":"1995-08-14T04:00:00Z"},{"eventAction":"last changed","eventDate":"2025-08-14T07:01:38Z"}`
	if expires != "" {
		events += `,{"eventAction":"expiration","eventDate":"` + expires + `"}`
	}
	return `{"objectClassName":"domain","handle":"2336799_DOMAIN_COM-VRSN","ldhName":"MOON.EXAMPLE","status":["client delete prohibited"` + status + `],"events":[` + events + `],"rdapConformance":["rdap_level_0"]}`
}

func TestDomain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	in := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	const day = 24 * time.Hour
	server := serveAnswers(t)
	for _, tt := range []struct {
		name   string
		body   string
		status int
		want   verdict
	}{
		{name: "passes", body: rdap(in(400*day), ""), want: verdict{message: "Registered until 2027-04-08"}},
		{name: "warns", body: rdap(in(12*day+time.Hour), ""), want: verdict{err: "Domain moon.example expires in 12 days (fewer than 30)", severity: engine.StatusWarning}},
		{name: "fails", body: rdap(in(3*day), ""), want: verdict{err: "Domain moon.example expires in 3 days (fewer than 7)"}},
		{name: "expired", body: rdap(in(-2*day), ""), want: verdict{err: "Domain moon.example expired 2 days ago"}},
		{name: "lost", body: rdap(in(400*day), `,"redemption period"`), want: verdict{err: "Domain moon.example is in redemption period"}},
		{name: "other zone", body: rdap("2027-04-08T05:00:00.0+02:00", ""), want: verdict{message: "Registered until 2027-04-08"}},
		{name: "no date", body: rdap("", ""), want: verdict{unknown: true, err: "The registry of moon.example says no date of expiry"}},
		{name: "bad date", body: rdap("soon", ""), want: verdict{unknown: true, err: "The registry of moon.example says no date of expiry"}},
		{name: "lost, as EPP writes it", body: rdap(in(400*day), `,"redemptionPeriod"`), want: verdict{err: "Domain moon.example is in redemption period"}},
		{name: "pending delete", body: rdap(in(400*day), `,"PENDING DELETE"`), want: verdict{err: "Domain moon.example is in pending delete"}},
		{name: "no registry", status: 404, body: `{"errorCode":404}`, want: verdict{unknown: true, err: "No RDAP service is known for .example"}},
		{name: "limited", status: 429, want: verdict{unknown: true, err: "The registry could not be asked: it answered 429"}},
		{name: "garbage", body: "<html>", want: verdict{unknown: true, err: "The registry's answer is not RDAP: not JSON"}},
		{name: "other JSON", body: `{}`, want: verdict{unknown: true, err: "The registry's answer is not RDAP"}},
		{name: "odd types", body: `{"ldhName":7,"events":[1,{"eventAction":"expiration","eventDate":7}],"status":"x"}`, want: verdict{unknown: true, err: "The registry of moon.example says no date"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, nil) // answers are kept
			b.now = now
			server.status, server.body = max(tt.status, 200), tt.body
			got := b.run("domain", check{config: map[string]any{"domain": " Moon.Example. "}, settings: map[string]any{"server": server.URL + "/rdap/"}})
			tt.want.compare(t, got)
			if server.last.URL.Path != "/rdap/domain/moon.example" {
				t.Errorf("got request %s", server.last.URL)
			}
			if m, ok := metric(got, "days_left"); ok && (m.Unit != "days" || *m.Warn != 30 || *m.Fail != 7) {
				t.Errorf("got metric %+v", m)
			}
		})
	}
	for name, port := range faulty(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict{unknown: true, err: "The registry could not be asked: "}.compare(t, newBench(t, nil).run("domain", check{
				config: map[string]any{"domain": "moon.example"}, settings: map[string]any{"server": fmt.Sprintf("http://127.0.0.1:%d", port)}, timeout: short}))
		})
	}
}

// TestDomainNotRegistered holds that a registry alone can say so: one that the server
// redirected to, or a server that answered for such domains before.
func TestDomainNotRegistered(t *testing.T) {
	t.Parallel()
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "gone") {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, rdap("2099-04-08T05:00:00Z", ""))
	}))
	defer registry.Close()
	bootstrap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".example") {
			http.NotFound(w, r)
			return
		}
		http.Redirect(w, r, registry.URL+r.URL.Path, http.StatusFound)
	}))
	defer bootstrap.Close()
	missing := func(tld string) verdict { return verdict{err: "Domain gone." + tld + " is not registered"} }
	unknown := func(tld string) verdict { return verdict{unknown: true, err: "No RDAP service is known for ." + tld} }
	for _, step := range []struct {
		server string
		domain string
		want   verdict
	}{
		{bootstrap.URL, "gone.example", missing("example")},
		{bootstrap.URL, "gone.de", unknown("de")},
		{registry.URL, "gone.de", unknown("de")},
		{registry.URL, "moon.de", verdict{}},
		{registry.URL, "gone.de", missing("de")},
		{registry.URL, "gone.eu", unknown("eu")},
		{bootstrap.URL, "gone.de", unknown("de")},
	} {
		b := newBench(t, nil)
		if step.want == missing("de") { // it answered before
			verdict{}.compare(t, b.run("domain", check{config: map[string]any{"domain": "moon.de"}, settings: map[string]any{"server": step.server}}))
		}
		step.want.compare(t, b.run("domain", check{config: map[string]any{"domain": step.domain}, settings: map[string]any{"server": step.server}}))
	}
}

// TestDomainKeeps holds that registries are asked every 6 hours, and that their
// last answer stands in for them for 3 days.
func TestDomainKeeps(t *testing.T) {
	t.Parallel()
	asked, down := 0, false
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if down {
			w.WriteHeader(500)
		}
		fmt.Fprint(w, rdap("2027-04-08T05:00:00Z", ""))
	}))
	defer registry.Close()
	bootstrap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, registry.URL+strings.Replace(r.URL.Path, "/domain/", "/rdap/domain/", 1), http.StatusFound)
	}))
	defer bootstrap.Close()
	b := newBench(t, nil)
	start := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		after  time.Duration
		domain string
		down   bool
		asked  int
		want   verdict
	}{
		{0, "a.example", false, 1, verdict{}},
		{5 * time.Hour, "a.example", true, 1, verdict{}},
		{7 * time.Hour, "a.example", true, 2, verdict{}},
		{71 * time.Hour, "a.example", true, 3, verdict{}},
		{73 * time.Hour, "a.example", true, 4, verdict{unknown: true, err: "The registry could not be asked: it answered 500"}},
		{74 * time.Hour, "a.example", false, 5, verdict{}},
		{75 * time.Hour, "b.example", false, 6, verdict{}}, // another domain, another answer
	} {
		b.now, down = start.Add(step.after), step.down
		got := b.run("domain", check{config: map[string]any{"domain": step.domain}, settings: map[string]any{"server": bootstrap.URL}})
		step.want.compare(t, got)
		if asked != step.asked {
			t.Errorf("after %v: asked %d times, want %d", step.after, asked, step.asked)
		}
	}
}

func TestDomainConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"domain": "xn--mnchen-3ya.example"}
	b.checkConfig(t, "domain", good, complaint{nil, ""}, complaint{map[string]any{"domain": nil}, "domain"}, complaint{map[string]any{"domain": "example"}, "domain"},
		complaint{map[string]any{"domain": "a/b.example"}, "domain"}, complaint{map[string]any{"domain": "münchen.example"}, "domain"}, complaint{map[string]any{"fail_days": 60}, "fail_days"},
		complaint{map[string]any{"domain": "www.moon.org"}, "domain"})
	if got := b.description(t, "domain", good); got != "Registration of xn--mnchen-3ya.example" {
		t.Errorf("got description %q", got)
	}
	if values := b.mustClean("domain", engine.SettingsForm, "domain", map[string]any{}); values["server"] != "https://rdap.org" {
		t.Errorf("got settings %v", values)
	}
}
