package engine_test

import (
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

func TestSecretsAreSealedBeforeAnythingIsStored(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		c := b.check("web", nil)
		v, _ := b.e.Check(c.ID)
		if got := v.Config["password"]; got == "hunter22" || got == nil {
			t.Errorf("the view shows %v", got)
		}
		edit, _ := b.e.StoredCheck(c.ID)
		if _, sealed := edit.Config["password"].(form.Sealed); !sealed {
			t.Errorf("stored as %T", edit.Config["password"])
		}
		edit.Name = "renamed"
		saved, err := b.e.SaveCheck(b.t.Context(), admin, edit)
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
			_, err := b.e.SaveCheck(b.t.Context(), admin, c)
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
		if n := len(b.e.Checks()); n != 1 {
			t.Errorf("%d checks: something was written", n)
		}
	})
}

func TestLastAdmin(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		u, err := b.e.SetUp(b.t.Context(), engine.User{Username: "root", TimeZone: "UTC"}, "correct horse battery")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.e.DeleteUser(b.t.Context(), admin, u.ID, nil); engine.KindOf(err) != engine.Conflict {
			t.Errorf("deleting the last admin: %v", err)
		}
		edit, _ := b.e.StoredUser(u.ID)
		edit.Role = "viewer"
		if _, err := b.e.SaveUser(b.t.Context(), admin, edit, "", ""); engine.KindOf(err) != engine.Conflict {
			t.Errorf("demoting the last admin: %v", err)
		}
		if _, err := b.e.SetUp(b.t.Context(), engine.User{Username: "two"}, "correct horse battery"); engine.KindOf(err) != engine.Conflict {
			t.Errorf("a second set-up: %v", err)
		}
		secret, s, err := b.e.OpenSession(b.t.Context(), u.ID, "127.0.0.1", "test")
		if err != nil {
			t.Fatal(err)
		}
		if _, got, ok := b.e.SessionUser(secret); !ok || got.ID != u.ID {
			t.Error("the session does not open")
		}
		edit, _ = b.e.StoredUser(u.ID)
		if _, err := b.e.SaveUser(b.t.Context(), admin, edit, "another long password", ""); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := b.e.SessionUser(secret); ok {
			t.Errorf("session %s outlived a change of password", s.ID)
		}
	})
}
