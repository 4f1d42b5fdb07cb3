package monitor_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
)

// needy is an alert plugin that needs a token of the site or of the service.
type needy struct {
	enginetest.Plugin
}

func (needy) Missing(settings, service form.Values) string {
	if text, _ := settings["token"].(string); text != "" {
		return ""
	}
	if text, _ := service["token"].(string); text != "" {
		return ""
	}
	return "Token must be set"
}

// addNeedy adds an alert plugin that fails for as long as it has no token.
func (b *bench) addNeedy(slug string) {
	token := form.Form{Fields: []form.Field{{Type: form.Char, Name: "token"}}}
	p := &needy{enginetest.Plugin{Info: engine.PluginMeta{Slug: slug, Name: strings.ToUpper(slug), Kind: engine.AlertPlugin, Version: "1", Hash: "h1",
		Forms: map[engine.FormName]form.Form{engine.SettingsForm: token, engine.ServiceConfigForm: token}}}}
	p.OnAlert = func(ctx context.Context, in *engine.AlertCall) engine.AlertReport {
		if why := p.Missing(in.Settings, in.Service.Settings); why != "" {
			return engine.AlertReport{Outcome: engine.OutcomeFailed, Why: why, NoRetry: slug == "hopeless"}
		}
		return b.alert(ctx, slug, in)
	}
	b.plugins.Put(engine.PluginEntry{Slug: slug, Plugin: p, File: slug + ".lua"})
}

// builtIn makes the built-in service.
func (b *bench) builtIn() {
	b.t.Helper()
	s := engine.NewService()
	s.ID, s.Name = engine.BuiltInService, "Moonwatch"
	if _, err := b.e.Targets.SaveService(b.t.Context(), admin, s); err != nil {
		b.t.Fatal(err)
	}
}

// lockedBuffer takes a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestAlertsWithoutSettings holds that a plugin that cannot send says so at once
// and in the log, that its first failed firing shows and fails the built-in service,
// which tells through another plugin alone, and that settings which are saved send
// what waits at once, whether it is tried again by itself or was given up.
func TestAlertsWithoutSettings(t *testing.T) {
	for _, slug := range []string{"pager", "hopeless"} {
		for _, where := range []string{"site", "service"} {
			t.Run(slug+" "+where, func(t *testing.T) {
				in(t, func(b *bench) {
					t := b.t
					log := &lockedBuffer{}
					b.options = func(o *engine.Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) }
					b.addNeedy(slug)
					b.start()
					b.builtIn()
					if got := b.e.Incidents.Channel(slug); got.Needs != "Token must be set" || len(got.NeedsAt) != 0 || b.e.Incidents.AlertNeeds(slug, nil) == "" {
						t.Errorf("before it is used: %+v", got)
					}
					b.service("Other", []string{"mail"}, b.check("other", nil))
					web := b.check("web", nil)
					s := b.service("Shop", []string{slug}, web)
					if got := b.e.Incidents.Channel(slug); got.Needs == "" || !slices.Equal(got.NeedsAt, []engine.Ref{{Kind: engine.KindService, ID: s.ID}}) {
						t.Errorf("once it is used: %+v", got)
					}
					if !strings.Contains(log.String(), "Token must be set (Shop)") {
						t.Errorf("the log does not say so: %s", log)
					}
					b.set("web", "ERROR")
					time.Sleep(2 * time.Minute)
					synctest.Wait()
					got := b.e.Incidents.Channel(slug)
					if got.Unsent == nil || got.ForName != "Shop" || got.Unsent.Why != "Token must be set" || b.e.Incidents.LastSent(b.t.Context(), slug) != nil {
						t.Errorf("after the first attempt: %+v", got)
					}
					if !strings.Contains(log.String(), "an alert could not be sent") {
						t.Errorf("the log does not tell of the failed attempt: %s", log)
					}
					own, _ := b.e.Targets.Service(engine.BuiltInService)
					if own.OverallStatus != engine.StatusWarning {
						t.Errorf("the built-in service is %s", own.OverallStatus)
					}
					if heard := b.heard(); !slices.Equal(heard, []string{"mail firing"}) {
						t.Errorf("heard %q, want the built-in service through mail alone", heard)
					}
					at := time.Now()
					if where == "site" {
						if err := b.e.Site.SavePluginSettings(b.t.Context(), admin, slug, form.Values{"token": "x"}, nil); err != nil {
							t.Fatal(err)
						}
					} else {
						now, _ := b.e.Targets.Service(s.ID)
						now.Service.Alerts = []engine.AlertChoice{{Plugin: slug, Settings: form.Values{"token": "x"}}}
						if _, err := b.e.Targets.SaveService(b.t.Context(), admin, now.Service); err != nil {
							t.Fatal(err)
						}
					}
					synctest.Wait()
					time.Sleep(10 * time.Millisecond)
					synctest.Wait()
					if heard := b.heard(); !slices.Contains(heard, slug+" firing") || time.Since(at) > time.Second {
						t.Errorf("heard %q after %v, want the firing at once", heard, time.Since(at))
					}
					got = b.e.Incidents.Channel(slug)
					if last := b.e.Incidents.LastSent(b.t.Context(), slug); got.Needs != "" || got.Unsent != nil || last == nil || time.Since(*last) > time.Second {
						t.Errorf("after the settings: %+v, last sent %v", got, last)
					}
					time.Sleep(time.Minute)
					synctest.Wait()
					if own, _ = b.e.Targets.Service(engine.BuiltInService); own.OverallStatus != engine.StatusPassing {
						t.Errorf("the built-in service stays %s", own.OverallStatus)
					}
				})
			})
		}
	}
}

// TestUnsentEndsWithItsIncident holds that what could not be sent does not fail the
// built-in service for ever.
func TestUnsentEndsWithItsIncident(t *testing.T) {
	in(t, func(b *bench) {
		t := b.t
		b.addNeedy("pager")
		b.start()
		b.builtIn()
		b.set("web", "ERROR")
		b.service("Shop", []string{"pager"}, b.check("web", nil))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if own, _ := b.e.Targets.Service(engine.BuiltInService); own.OverallStatus != engine.StatusWarning {
			t.Fatalf("the built-in service is %s", own.OverallStatus)
		}
		b.set("web", "")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if own, _ := b.e.Targets.Service(engine.BuiltInService); own.OverallStatus != engine.StatusPassing || b.e.Incidents.Channel("pager").Unsent != nil {
			t.Errorf("the built-in service is %s: %+v", own.OverallStatus, b.e.Incidents.Channel("pager"))
		}
	})
}
