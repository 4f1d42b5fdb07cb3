package web_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// TestScreenshots makes the pictures of the README in the folder that
// MOONWATCH_SCREENSHOTS_README names: a small shop, of which one thing breaks.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("MOONWATCH_SCREENSHOTS_README")
	if dir == "" {
		t.Skip("MOONWATCH_SCREENSHOTS_README names no folder")
	}
	chromium(t)
	m := newMonitor(t)
	m.save(t, "bell.lua", bellPlugin)
	b := openBrowser(t, m.url)
	b.open("/setup?token=" + setUpToken)
	b.fill("username", "ada")
	b.fill("email", "ada@example.org")
	b.fill("password", "correct horse battery")
	b.click("button.primary")
	b.sees("main", "Nothing is watched yet")

	shop := newShop(t, m)
	shop.broken.Store(true)
	for range 2 {
		if _, err := m.engine.RunCheck(t.Context(), shop.checkout); err != nil {
			t.Fatal(err)
		}
	}
	b.open("/")
	b.sees("h1", "One thing needs you")
	take := func(name string) {
		t.Helper()
		time.Sleep(300 * time.Millisecond) // pages draw in a moment
		file := filepath.Join(dir, name+".png")
		b.capture(file, false)
		if info, err := os.Stat(file); err != nil || info.Size() > 150<<10 {
			t.Errorf("%s: %v, or it is larger than 150 KiB", file, err)
		}
	}
	take("dashboard")
	b.open("/checks/" + shop.search + "?range=24h")
	b.sees("#check-head", "Passing")
	take("check")
	b.open("/checks/new?plugin=http")
	b.fill("name", "Front page")
	b.fill("config.endpoint", "https://shop.example.org/")
	eval[bool](b, `document.activeElement.blur() === undefined`)
	take("form")
	service, err := m.engine.Targets.Service(shop.service)
	if err != nil || service.Incident == nil {
		t.Fatal("there is no incident", err)
	}
	hour := time.Hour
	by := engine.Actor{User: m.engine.Users.Users()[0].ID, Name: "ada", Role: access.Admin}
	if _, err := m.engine.Incidents.Acknowledge(t.Context(), by, engine.Ref{Kind: engine.KindService, ID: shop.service}, engine.AckOptions{Comment: "The payment provider is down, too", ExpiresIn: &hour}); err != nil {
		t.Fatal(err)
	}
	b.open("/incidents/" + *service.Incident)
	b.sees("#incident", "Acknowledged by")
	take("incident")
}

// shop is what the pictures show.
type shop struct {
	broken                    atomic.Bool
	service, checkout, search string
}

func newShop(t *testing.T, m *program) *shop {
	t.Helper()
	s := &shop{}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/checkout" && s.broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintln(w, "welcome")
	}))
	t.Cleanup(site.Close)
	by := engine.Actor{User: m.engine.Users.Users()[0].ID, Name: "ada", Role: access.Admin}
	check := func(name, path string, importance engine.Status) string {
		t.Helper()
		c := engine.NewCheck()
		c.Name, c.Plugin, c.Importance, c.Config = name, "http", importance, form.Values{"endpoint": site.URL + path}
		saved, err := m.engine.Checks.SaveCheck(t.Context(), by, c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.engine.RunCheck(t.Context(), saved.ID); err != nil {
			t.Fatal(err)
		}
		s.past(t, m, saved.ID)
		return saved.ID
	}
	service := func(name string, checks ...string) string {
		t.Helper()
		v := engine.NewService()
		v.Name, v.StatusChecks, v.UsersToNotify = name, checks, []string{by.User}
		v.Alerts = []engine.AlertChoice{{Plugin: "bell", Settings: form.Values{"address": site.URL + "/bell"}}}
		saved, err := m.engine.Targets.SaveService(t.Context(), by, v)
		if err != nil {
			t.Fatal(err)
		}
		return saved.ID
	}
	s.checkout, s.search = check("Checkout", "/checkout", engine.StatusCritical), check("Search", "/search", engine.StatusError)
	s.service = service("Web shop", check("Front page", "/", engine.StatusError), s.checkout, s.search)
	for _, name := range []string{"Mail", "Payments", "Warehouse", "Backups", "Intranet", "Status page", "Build server"} {
		service(name, check(name+" answers", "/", engine.StatusError))
	}
	return s
}

// past gives a check results of the last day, like its first one.
func (s *shop) past(t *testing.T, m *program, id string) {
	t.Helper()
	first := m.engine.LatestResult(id)
	if first == nil {
		t.Fatal("the check left no result")
	}
	rng := rand.New(rand.NewPCG(3, 4))
	batch := &engine.Batch{ID: "past"}
	now := time.Now().UTC().Truncate(time.Second)
	for n := 1; n < 288; n++ {
		r := *first
		r.Started = now.Add(-time.Duration(n) * 5 * time.Minute)
		busy := 1 + 0.6*float64(r.Started.Hour()%12)/12
		r.Seq, r.Took = uint64(r.Started.UnixMicro()), (0.09+rng.ExpFloat64()*0.02)*busy
		if n >= 131 && n <= 133 {
			r.Succeeded, r.Severity, r.Error, r.Took = false, engine.StatusError, "the status code is 502, not 200", 2*r.Took
		}
		r.Metrics = make([]engine.Metric, len(first.Metrics))
		for i, metric := range first.Metrics {
			if metric.Unit == "s" {
				metric.Value = r.Took * (0.15 + 0.1*float64(i) + rng.Float64()/20)
			}
			r.Metrics[i] = metric
		}
		batch.Results = append(batch.Results, r)
	}
	if err := m.store.Apply(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}
