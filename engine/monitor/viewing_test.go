package monitor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
)

// viewer is a bench whose check plugin "probe" has a public view "hook" and one
// for viewers, "desk", both answered by fn.
func viewer(t *testing.T, fn func(b *bench, answer func(func(*engine.ViewCall) error))) {
	in(t, func(b *bench) {
		entry, _ := b.plugins.Plugin("probe")
		probe := entry.Plugin.(*enginetest.Plugin)
		probe.Routes = []engine.ViewRoute{{Path: "hook", Methods: []string{"POST"}, Public: true, Role: access.Viewer},
			{Path: "desk", Methods: []string{"GET"}, Role: access.Viewer}}
		b.start()
		fn(b, func(view func(*engine.ViewCall) error) {
			probe.OnView = func(_ context.Context, in *engine.ViewCall) (engine.ViewAnswer, error) {
				return engine.ViewAnswer{Status: 200}, view(in)
			}
		})
	})
}

func (b *bench) view(by *engine.Actor, method, path string) error {
	_, err := b.e.Plugins.View(b.t.Context(), "probe", by, engine.ViewRequest{Method: method, Path: path})
	return err
}

func TestViewIsAdmitted(t *testing.T) {
	viewer(t, func(b *bench, answer func(func(*engine.ViewCall) error)) {
		ada := b.user("ada")
		actor := &engine.Actor{User: ada.ID, Name: "ada", Role: access.Viewer}
		var got *engine.ViewCall
		answer(func(in *engine.ViewCall) error { got = in; return nil })
		for _, tt := range []struct {
			by           *engine.Actor
			method, path string
			want         engine.ErrorKind
		}{
			{nil, "POST", "hook", ""}, {actor, "POST", "hook", ""}, {nil, "GET", "hook", engine.NotFound}, {nil, "POST", "hooks", engine.NotFound},
			{nil, "GET", "desk", engine.Forbidden}, {&engine.Actor{}, "GET", "desk", engine.Forbidden}, {actor, "GET", "desk", ""}, {actor, "HEAD", "desk", ""},
		} {
			got = nil
			if err := b.view(tt.by, tt.method, tt.path); engine.KindOf(err) != tt.want || (got != nil) != (tt.want == "") {
				t.Errorf("%s %s by %v: %v, want kind %q", tt.method, tt.path, tt.by, err, tt.want)
			}
			if tt.path == "hook" && got != nil && (got.Request.User != nil || got.Request.Role != "") {
				t.Errorf("a public view is told of %v", got.Request.User)
			}
			if tt.path == "desk" && got != nil && (got.Request.User == nil || got.Request.User.Username != "ada" || got.Request.Method != "GET") {
				t.Errorf("got %+v", got.Request)
			}
		}
		entry, _ := b.plugins.Plugin("probe")
		entry.Orphaned = true
		b.plugins.Put(entry)
		if err := b.view(nil, "POST", "hook"); engine.KindOf(err) != engine.NotFound {
			t.Errorf("of a plugin whose file is gone: %v", err)
		}
	})
}

// TestSlowViewsTakeNoPlaceFromOthers calls one plugin's view, public or not, 64
// times while none of them answers: eight are under way, the others are refused
// at once, and every other plugin's views answer all the while.
func TestSlowViewsTakeNoPlaceFromOthers(t *testing.T) {
	viewer(t, func(b *bench, answer func(func(*engine.ViewCall) error)) {
		ada := b.user("ada")
		actor := &engine.Actor{User: ada.ID, Name: "ada", Role: access.Viewer}
		const others = 70
		for i := range others {
			b.plugins.Put(engine.PluginEntry{Slug: fmt.Sprint("other", i), Plugin: &enginetest.Plugin{OnRun: b.run,
				Info:   engine.PluginMeta{Slug: fmt.Sprint("other", i), Kind: engine.CheckPlugin},
				Routes: []engine.ViewRoute{{Path: "hook", Methods: []string{"POST"}, Public: true}},
				OnView: func(context.Context, *engine.ViewCall) (engine.ViewAnswer, error) {
					return engine.ViewAnswer{Status: 200}, nil
				}}})
		}
		hold := make(chan struct{})
		answer(func(*engine.ViewCall) error { <-hold; return nil })
		results := make(chan error, 64)
		for i := range 64 {
			go func() {
				if i%2 == 0 {
					results <- b.view(nil, "POST", "hook")
				} else {
					results <- b.view(actor, "GET", "desk")
				}
			}()
		}
		synctest.Wait()
		if len(results) != 56 {
			t.Errorf("%d of 64 calls have ended, want 56", len(results))
		}
		for range len(results) {
			if err := <-results; engine.KindOf(err) != engine.Unavailable {
				t.Errorf("a call too many: %v", err)
			}
		}
		for i := range others {
			if _, err := b.e.Plugins.View(b.t.Context(), fmt.Sprint("other", i), nil, engine.ViewRequest{Method: "POST", Path: "hook"}); err != nil {
				t.Errorf("another plugin's view: %v", err)
			}
		}
		close(hold)
		synctest.Wait()
		for range len(results) {
			if err := <-results; err != nil {
				t.Errorf("one that was under way: %v", err)
			}
		}
		if err := b.view(nil, "POST", "hook"); err != nil {
			t.Errorf("when all have ended: %v", err)
		}
	})
}

func TestPluginErrorsAreKept(t *testing.T) {
	viewer(t, func(b *bench, answer func(func(*engine.ViewCall) error)) {
		n := 0
		answer(func(*engine.ViewCall) error {
			n++
			return &engine.ViewError{Message: fmt.Sprint("broken ", n), Traceback: "probe.lua:1"}
		})
		for range 25 {
			var failed *engine.ViewError
			if err := b.view(nil, "POST", "hook"); !errors.As(err, &failed) {
				t.Fatalf("got %v", err)
			}
		}
		got := b.e.Plugins.PluginErrors("probe")
		if len(got) != 20 || got[0].Message != "broken 25" || got[19].Message != "broken 6" || got[0].Where != "POST hook" || got[0].Traceback != "probe.lua:1" {
			t.Errorf("got %d errors: %+v", len(got), got)
		}
		if other := b.e.Plugins.PluginErrors("mail"); len(other) != 0 {
			t.Errorf("got %v of a plugin without errors", other)
		}
	})
}

func wantKind(t *testing.T, what string, err error, want engine.MonitorErrorKind) {
	t.Helper()
	var e *engine.MonitorError
	if errors.As(err, &e); want == "" && err != nil || want != "" && (e == nil || e.Kind != want) {
		t.Errorf("%s: got %v, want kind %q", what, err, want)
	}
}

func TestMonitorAcknowledges(t *testing.T) {
	viewer(t, func(b *bench, answer func(func(*engine.ViewCall) error)) {
		b.user("ada")
		bob := *b.user("bob")
		bob.Active = false
		if _, err := b.e.Users.SaveUser(b.t.Context(), admin, bob, "", ""); err != nil {
			t.Fatal(err)
		}
		check := b.check("web", nil)
		s := b.service("site", []string{"mail"}, check)
		ack := func(service, user, key string) error {
			var err error
			answer(func(in *engine.ViewCall) error {
				err = in.Monitor.Acknowledge(b.t.Context(), service, user, engine.AckOptions{Comment: "on it", IncidentKey: key})
				return nil
			})
			if failed := b.view(nil, "POST", "hook"); failed != nil {
				t.Fatal(failed)
			}
			return err
		}
		wantKind(t, "while all is well", ack(s.ID, "ada", ""), engine.MonitorNotFailing)
		b.set("web", "ERROR")
		pass(3 * time.Second)
		wantKind(t, "of no service", ack("nosuch", "ada", ""), engine.MonitorNotFound)
		wantKind(t, "by nobody", ack(s.ID, "eve", ""), engine.MonitorUnknownUser)
		wantKind(t, "by a user who was deactivated", ack(s.ID, "bob", ""), engine.MonitorUnknownUser)
		wantKind(t, "of another incident", ack(s.ID, "ada", "other"), engine.MonitorOtherIncident)
		var shown *engine.AlertSnapshot
		answer(func(in *engine.ViewCall) (err error) {
			shown, err = in.Monitor.Service(b.t.Context(), s.ID)
			return err
		})
		if err := b.view(nil, "POST", "hook"); err != nil || shown.OverallStatus != engine.StatusError || shown.Name != "site" || shown.IncidentKey == "" || len(shown.Failing) != 1 {
			t.Fatalf("got %+v, %v", shown, err)
		}
		wantKind(t, "of this incident", ack(s.ID, "ada", shown.IncidentKey), "")
		v, _ := b.e.Targets.Service(s.ID)
		if v.Acknowledgement == nil || v.Acknowledgement.Username != "ada" || v.Acknowledgement.Comment != "on it" {
			t.Errorf("got %+v", v.Acknowledgement)
		}
	})
}

func TestMonitorWithTheCallersRole(t *testing.T) {
	viewer(t, func(b *bench, answer func(func(*engine.ViewCall) error)) {
		ada := b.user("ada")
		check := b.check("web", nil)
		s := b.service("site", nil, check)
		pass(3 * time.Second) // no run of the check passes after what is recorded below
		for _, u := range []*engine.User{ada, b.user("bob")} {
			u.Email = u.Username + "@example.com"
			must[*engine.User](t)(b.e.Users.SaveUser(b.t.Context(), admin, *u, "", ""))
		}
		for role, want := range map[access.Role]engine.MonitorErrorKind{access.Viewer: engine.MonitorDenied, access.Operator: "", access.Admin: ""} {
			answer(func(in *engine.ViewCall) error {
				users, err := in.Monitor.Users(b.t.Context())
				wantKind(t, string(role)+" lists users", err, "")
				if len(users) != 2 || users[0].Email != "ada@example.com" || (users[1].Email != "") != (role == access.Admin) {
					t.Errorf("%s sees %+v", role, users)
				}
				_, err = in.Monitor.Service(b.t.Context(), s.ID)
				wantKind(t, string(role)+" looks at a service", err, "")
				wantKind(t, string(role)+" records", in.Monitor.Record(b.t.Context(), check.ID, engine.RunReport{Error: "down"}), want)
				err = in.Monitor.Acknowledge(b.t.Context(), s.ID, "ada", engine.AckOptions{})
				wantKind(t, string(role)+" acknowledges", err, want)
				return nil
			})
			if err := b.view(&engine.Actor{User: ada.ID, Name: "ada", Role: role}, "GET", "desk"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestMonitorRecords(t *testing.T) {
	viewer(t, func(b *bench, answer func(func(*engine.ViewCall) error)) {
		b.set("web", "none") // its runs leave no result
		check, off := b.check("web", nil), b.check("off", func(c *engine.Check) { c.Active = false })
		b.plugins.Put(engine.PluginEntry{Slug: "other", File: "other.lua", Plugin: &enginetest.Plugin{OnRun: b.run,
			Info: engine.PluginMeta{Slug: "other", Kind: engine.CheckPlugin, Forms: map[engine.FormName]form.Form{}}}})
		foreign := b.check("foreign", func(c *engine.Check) { c.Plugin, c.Config = "other", form.Values{} })
		s := b.service("site", nil, check)
		pass(3 * time.Second)
		answer(func(in *engine.ViewCall) error {
			_, err := in.Monitor.Check(b.t.Context(), foreign.ID)
			wantKind(t, "a look at another plugin's check", err, engine.MonitorNotFound)
			wantKind(t, "to another plugin's check", in.Monitor.Record(b.t.Context(), foreign.ID, engine.RunReport{}), engine.MonitorNotFound)
			wantKind(t, "to an inactive check", in.Monitor.Record(b.t.Context(), off.ID, engine.RunReport{}), engine.MonitorDenied)
			wantKind(t, "to no check", in.Monitor.Record(b.t.Context(), "nosuch", engine.RunReport{}), engine.MonitorNotFound)
			seen, err := in.Monitor.Check(b.t.Context(), check.ID)
			if wantKind(t, "a look at its own", err, ""); seen.Check.Name != "web" || len(seen.Services) != 1 {
				t.Errorf("got %+v", seen)
			}
			return in.Monitor.Record(b.t.Context(), check.ID, engine.RunReport{Severity: engine.StatusCritical, Error: "pushed", RawData: "raw"})
		})
		if err := b.view(nil, "POST", "hook"); err != nil {
			t.Fatal(err)
		}
		got := b.results(check)
		if len(got) != 1 || got[0].Error != "pushed" || got[0].RawData != "raw" || got[0].PluginVersion != "1" {
			t.Errorf("got %+v", got)
		}
		if b.overall(s) != engine.StatusCritical {
			t.Errorf("overall %s", b.overall(s))
		}
	})
}
