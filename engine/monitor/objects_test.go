package monitor_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/config/importer"
	"moonwatch/engine/form"
)

func TestSecretsAreSealedBeforeAnythingIsStored(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", nil)
		v, _ := b.e.Checks.Check(c.ID)
		if got := v.Config["password"]; got == "hunter22" || got == nil {
			t.Errorf("the view shows %v", got)
		}
		edit, _ := b.e.Checks.StoredCheck(c.ID)
		if _, sealed := edit.Config["password"].(form.Sealed); !sealed {
			t.Errorf("stored as %T", edit.Config["password"])
		}
		edit.Name = "renamed"
		saved, err := b.e.Checks.SaveCheck(b.t.Context(), admin, edit)
		if err != nil || saved.Config["password"] != edit.Config["password"] {
			t.Errorf("an edit of the name touched the secret: %v", err)
		}
	})
}

func TestValidation(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.check("taken", nil)
		tests := map[string]struct {
			change   func(*engine.Check)
			location string
			code     string
		}{
			"no name":          {func(c *engine.Check) { c.Name = " " }, "name", "required"},
			"long name":        {func(c *engine.Check) { c.Name = strings.Repeat("x", 201) }, "name", "max"},
			"name taken":       {func(c *engine.Check) { c.Name = "taken" }, "name", "unique"},
			"no plugin":        {func(c *engine.Check) { c.Plugin = "" }, "plugin", "required"},
			"unknown plugin":   {func(c *engine.Check) { c.Plugin = "nosuch" }, "plugin", "not_found"},
			"alert plugin":     {func(c *engine.Check) { c.Plugin = "mail" }, "plugin", "invalid"},
			"interval of 0":    {func(c *engine.Check) { c.Interval = 0 }, "interval", "min"},
			"two years":        {func(c *engine.Check) { c.Interval = engine.Duration(2 * 365 * 24 * time.Hour) }, "interval", "max"},
			"importance":       {func(c *engine.Check) { c.Importance = "PASSING" }, "importance", "invalid"},
			"debounce":         {func(c *engine.Check) { c.Debounce = -1 }, "debounce", "min"},
			"recover_after":    {func(c *engine.Check) { c.RecoverAfter = 0 }, "recover_after", "min"},
			"no_data":          {func(c *engine.Check) { c.NoData = "maybe" }, "no_data", "invalid"},
			"runbook_link":     {func(c *engine.Check) { c.RunbookLink = "javascript:x" }, "runbook_link", "invalid"},
			"config required":  {func(c *engine.Check) { c.Config = form.Values{"password": "hunter22"} }, "config.target", "required"},
			"config unknown":   {func(c *engine.Check) { c.Config["bone"] = 1.0 }, "config.bone", "unknown"},
			"config wrong":     {func(c *engine.Check) { c.Config["target"] = 1.0 }, "config.target", "type"},
			"tags":             {func(c *engine.Check) { c.Tags = []string{""} }, "tags[0]", "required"},
			"revision, but no": {func(c *engine.Check) { c.ID, c.Revision = "nosuch", 3 }, "", ""},
		}
		for name, tt := range tests {
			c := engine.NewCheck()
			c.Name, c.Plugin, c.Config = "new", "probe", form.Values{"target": "x", "password": "hunter22"}
			tt.change(&c)
			_, err := b.e.Checks.SaveCheck(b.t.Context(), admin, c)
			var problem *engine.Error
			if e, ok := err.(*engine.Error); ok {
				problem = e
			}
			if tt.location == "" {
				if engine.KindOf(err) != engine.NotFound {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if problem == nil || problem.Kind != engine.Invalid || len(problem.Fields) != 1 || problem.Fields[0].Location != tt.location || problem.Fields[0].Code != tt.code {
				t.Errorf("%s: got %v, want %s at %s", name, err, tt.code, tt.location)
			}
			if err != nil && strings.Contains(err.Error(), "hunter22") {
				t.Errorf("%s: the error echoes a value", name)
			}
		}
		if n := len(b.e.Checks.Checks()); n != 1 {
			t.Errorf("%d checks: something was written", n)
		}
	})
}

func TestLastAdmin(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		u, err := b.e.Users.SetUp(b.t.Context(), engine.User{Username: "root", TimeZone: "UTC"}, "correct horse battery")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.e.Users.DeleteUser(b.t.Context(), admin, u.ID, nil); engine.KindOf(err) != engine.Conflict {
			t.Errorf("deleting the last admin: %v", err)
		}
		edit, _ := b.e.Users.StoredUser(u.ID)
		edit.Role = "viewer"
		if _, err := b.e.Users.SaveUser(b.t.Context(), admin, edit, "", ""); engine.KindOf(err) != engine.Conflict {
			t.Errorf("demoting the last admin: %v", err)
		}
		if _, err := b.e.Users.SetUp(b.t.Context(), engine.User{Username: "two"}, "correct horse battery"); engine.KindOf(err) != engine.Conflict {
			t.Errorf("a second set-up: %v", err)
		}
		secret, s, err := b.e.Sessions.OpenSession(b.t.Context(), u.ID, "127.0.0.1", "test")
		if err != nil {
			t.Fatal(err)
		}
		if _, got, ok := b.e.Sessions.SessionUser(secret); !ok || got.ID != u.ID {
			t.Error("the session does not open")
		}
		edit, _ = b.e.Users.StoredUser(u.ID)
		if _, err := b.e.Users.SaveUser(b.t.Context(), admin, edit, "another long password", ""); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := b.e.Sessions.SessionUser(secret); ok {
			t.Errorf("session %s outlived a change of password", s.ID)
		}
	})
}

// TestDefaults holds what an object has of which nobody said anything.
func TestDefaults(t *testing.T) {
	c, s, site := engine.NewCheck(), engine.NewService(), engine.DefaultSettings()
	if !c.Active || c.Importance != engine.StatusError || c.Interval.Std() != time.Minute || c.Timeout.Std() != 30*time.Second || c.Debounce != 0 ||
		c.RecoverAfter != 1 || c.RetryInterval != 0 || c.NoData != engine.NoDataFail || c.UnknownAfter != 0 || c.Schedule != nil {
		t.Errorf("a check: %+v", c)
	}
	if !s.AlertsEnabled || s.IsPublic || s.StatusRule != "" || len(s.RepeatInterval) != 0 {
		t.Errorf("a service: %+v", s)
	}
	if i := engine.NewInstance(); !i.AlertsEnabled || i.IsPublic {
		t.Errorf("an instance: %+v", i)
	}
	for severity, want := range map[engine.Status]time.Duration{engine.StatusWarning: 2 * time.Hour, engine.StatusError: time.Hour, engine.StatusCritical: 10 * time.Minute} {
		if got := site.RepeatInterval[severity].Std(); got != want {
			t.Errorf("repeats at %s every %s, want %s", severity, got, want)
		}
	}
	const day = 24 * time.Hour
	if site.Retention.Std() != 30*day || site.SumRetention.Std() != 730*day || site.HistoryKept.Std() != 730*day || site.PauseAlerts {
		t.Errorf("the site: %+v", site)
	}
	if o := engine.DefaultOptions(); o.RunsInFlight != 20_000 {
		t.Errorf("%d runs in flight", o.RunsInFlight)
	}
}

// TestIntervalBounds holds that 1s and a year are taken, and what lies beyond is not.
func TestIntervalBounds(t *testing.T) {
	const year = 365 * 24 * time.Hour
	in(t, func(b *bench) {
		b.start()
		for interval, want := range map[time.Duration]string{time.Second: "", year: "", time.Second - 1: "min", year + time.Second: "max"} {
			c := engine.NewCheck()
			c.Name, c.Plugin, c.Interval = interval.String(), "probe", engine.Duration(interval)
			c.Config = form.Values{"target": "x", "password": "hunter22"}
			_, err := b.e.Checks.SaveCheck(b.t.Context(), admin, c)
			code := ""
			if e, ok := err.(*engine.Error); ok && len(e.Fields) == 1 && e.Fields[0].Location == "interval" {
				code = e.Fields[0].Code
			}
			if code != want || (err == nil) != (want == "") {
				t.Errorf("%s: %v, want %q", interval, err, want)
			}
		}
	})
}

// TestDeletingUnlinks holds that nothing refers to what was deleted, that the
// others stay editable, and that an id is not given again.
func TestDeletingUnlinks(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ctx := b.t.Context()
		ada, ben := b.user("ada"), b.user("ben")
		gone, stays := b.check("gone", rarely), b.check("stays", rarely)
		r := engine.NewRota()
		r.Name = "Primary"
		r.Overrides = []engine.RotaOverride{{User: ada.ID, Start: time.Now(), End: time.Now().Add(time.Hour)}}
		rota, err := b.e.Rotas.SaveRota(ctx, admin, r)
		if err != nil {
			t.Fatal(err)
		}
		i := engine.NewInstance()
		i.Name, i.UsersToNotify, i.StatusChecks = "box", []string{ada.ID}, []string{gone.ID}
		instance, err := b.e.Targets.SaveInstance(ctx, admin, i)
		if err != nil {
			t.Fatal(err)
		}
		parent, s := b.service("Database", nil, gone), b.service("Shop", []string{"mail"}, gone, stays)
		b.editService(s, func(s *engine.Service) {
			s.UsersToNotify, s.Rotas, s.Instances = []string{ada.ID, ben.ID}, []string{rota.ID}, []string{instance.ID}
			s.DependsOn = []engine.Ref{serviceRef(parent), {Kind: engine.KindInstance, ID: instance.ID}}
			s.Escalation = []engine.EscalationStep{{After: engine.Duration(time.Minute), Users: []string{ada.ID}, Rotas: []string{rota.ID}},
				{After: engine.Duration(time.Hour), Users: []string{ada.ID, ben.ID}, Rotas: []string{rota.ID}}}
		})
		mixed := b.silence(func(v *engine.Silence) {
			v.Services, v.Instances, v.Checks = []string{s.ID, parent.ID}, []string{instance.ID}, []string{gone.ID, stays.ID}
		})
		alone := b.silence(func(v *engine.Silence) { v.Checks = []string{gone.ID} })
		for what, err := range map[string]error{
			"check": b.e.Checks.DeleteCheck(ctx, admin, gone.ID, nil), "user": b.e.Users.DeleteUser(ctx, admin, ada.ID, nil), "service": b.e.Targets.DeleteService(ctx, admin, parent.ID, nil),
			"instance": b.e.Targets.DeleteInstance(ctx, admin, instance.ID, nil), "rota": b.e.Rotas.DeleteRota(ctx, admin, rota.ID, nil),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		b.editService(s, func(s *engine.Service) { // and it can be saved again
			if !slices.Equal(s.StatusChecks, []string{stays.ID}) || !slices.Equal(s.UsersToNotify, []string{ben.ID}) || len(s.Rotas)+len(s.Instances)+len(s.DependsOn) > 0 {
				t.Errorf("the service is left with %+v", s.Alerting)
			}
			if len(s.Escalation) != 1 || !slices.Equal(s.Escalation[0].Users, []string{ben.ID}) || len(s.Escalation[0].Rotas) != 0 {
				t.Errorf("its steps are left as %+v", s.Escalation)
			}
		})
		v, err := b.e.Silences.Silence(mixed.ID)
		if err != nil || !slices.Equal(v.Services, []string{s.ID}) || len(v.Instances) != 0 || !slices.Equal(v.Checks, []string{stays.ID}) {
			t.Errorf("the silence is left with %+v, %v", v.Silence, err)
		}
		if _, err := b.e.Silences.SaveSilence(ctx, admin, v.Silence); err != nil {
			t.Errorf("it cannot be saved again: %v", err)
		}
		if _, err := b.e.Silences.Silence(alone.ID); engine.KindOf(err) != engine.NotFound {
			t.Errorf("a silence of nothing is left: %v", err)
		}
		data, err := b.e.Config.Export(ctx, importer.ExportOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.e.Config.Import(ctx, admin, data, importer.ImportOptions{DryRun: true}); err != nil {
			t.Errorf("what is exported cannot be imported: %v", err)
		}
		if again := b.check("gone", nil); again.ID == gone.ID {
			t.Errorf("the id %s was given again", again.ID)
		}
	})
}

// TestHistoryKeepsNames holds that incidents and the audit log name what was
// deleted and who is deactivated.
func TestHistoryKeepsNames(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		ada := b.user("ada")
		by := engine.Actor{User: ada.ID, Name: "ada", Role: "admin", Via: "api"}
		c := b.check("web", rarely)
		s := b.service("Shop", []string{"mail"}, c)
		pass(time.Second)
		b.turn(c, "ERROR")
		pass(time.Second)
		if _, err := b.e.Incidents.AddNote(b.t.Context(), by, b.incidents(nil)[0].ID, "on it"); err != nil {
			t.Fatal(err)
		}
		if err := b.e.Targets.DeleteService(b.t.Context(), by, s.ID, nil); err != nil {
			t.Fatal(err)
		}
		b.editUser(ada, func(u *engine.User) { u.Active = false })
		pass(time.Second)
		list := b.incidents(nil)
		if len(list) != 1 || list[0].SubjectName != "Shop" || list[0].Notes[0].User != "ada" || list[0].Closed == nil {
			t.Fatalf("incidents %+v", list)
		}
		for _, d := range b.deliveries("") {
			if d.SubjectName != "Shop" {
				t.Errorf("delivery %+v", d)
			}
		}
		var entries []engine.AuditEntry
		err := b.store.Scan(b.t.Context(), engine.KindAudit, engine.Query{}, func(r engine.Record) bool {
			var e engine.AuditEntry
			if err := json.Unmarshal(r.Data, &e); err != nil {
				t.Error(err)
			}
			entries = append(entries, e)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(entries, func(e engine.AuditEntry) bool { return e.Action == "delete" && e.Title == "Shop" && e.Name == "ada" }) {
			t.Errorf("the audit log: %+v", entries)
		}
	})
}
