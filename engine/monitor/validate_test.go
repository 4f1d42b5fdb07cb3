package monitor_test

import (
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// TestValidateSaysWhatSavingWouldSay: each object's validation refuses what saving it
// refuses, in the same words, all at once; and whatever it says, nothing changes.
func TestValidateSaysWhatSavingWouldSay(t *testing.T) {
	b := newBench(t).start()
	defer b.e.Stop()
	ctx := t.Context()
	c := b.check("taken", nil)
	s := b.service("taken", nil, c)
	ada := b.user("ada")
	good := engine.NewCheck()
	good.Name, good.Plugin, good.Config = "good", c.Plugin, form.Values{"target": "x", "password": "y"}
	bad := good
	bad.Name, bad.Importance, bad.Plugin = "taken", "x", "nosuch"
	service := engine.NewService()
	service.Name, service.URL, service.StatusChecks = "taken", "ftp://x", []string{"nosuch"}
	instance := engine.NewInstance()
	instance.Name, instance.RunbookLink = "", "x"
	user := engine.NewUser()
	user.Username, user.Role, user.Email = "ADA", "x", "x"
	rota := engine.NewRota()
	rota.Name, rota.TimeZone = "", "nowhere"
	silence := engine.NewSilence()
	silence.RRule = "x"
	settings := b.e.Settings()
	settings.PublicURL, settings.DefaultRota = "x", "nosuch"
	stale := must[engine.Service](t)(b.e.Targets.StoredService(s.ID))
	stale.Revision = 99
	for _, tt := range []struct {
		name           string
		validate, save func() error
	}{
		{"a check", func() error { return b.e.Checks.ValidateCheck(ctx, admin, bad) }, func() error { _, err := b.e.Checks.SaveCheck(ctx, admin, bad); return err }},
		{"a service", func() error { return b.e.Targets.ValidateService(ctx, admin, service) }, func() error { _, err := b.e.Targets.SaveService(ctx, admin, service); return err }},
		{"a stale service", func() error { return b.e.Targets.ValidateService(ctx, admin, stale) }, func() error { _, err := b.e.Targets.SaveService(ctx, admin, stale); return err }},
		{"an instance", func() error { return b.e.Targets.ValidateInstance(ctx, admin, instance) }, func() error { _, err := b.e.Targets.SaveInstance(ctx, admin, instance); return err }},
		{"a user", func() error { return b.e.Users.ValidateUser(ctx, admin, user, "short") }, func() error { _, err := b.e.Users.SaveUser(ctx, admin, user, "short", ""); return err }},
		{"a token", func() error {
			return b.e.Tokens.ValidateToken(ctx, admin, engine.Token{User: ada.ID, Role: "admin"})
		}, func() error {
			_, _, err := b.e.Tokens.CreateToken(ctx, admin, engine.Token{User: ada.ID, Role: "admin"})
			return err
		}},
		{"a rota", func() error { return b.e.Rotas.ValidateRota(ctx, admin, rota) }, func() error { _, err := b.e.Rotas.SaveRota(ctx, admin, rota); return err }},
		{"a silence", func() error { return b.e.Silences.ValidateSilence(ctx, admin, silence) }, func() error { _, err := b.e.Silences.SaveSilence(ctx, admin, silence); return err }},
		{"settings", func() error { return b.e.Site.ValidateSettings(ctx, admin, settings) }, func() error { _, err := b.e.Site.SaveSettings(ctx, admin, settings); return err }},
	} {
		said := tt.validate()
		if refused := tt.save(); said == nil || refused == nil || said.Error() != refused.Error() || engine.KindOf(said) != engine.KindOf(refused) {
			t.Errorf("%s is said to be %v, and saving it says %v", tt.name, said, refused)
		}
	}
	if err := b.e.Checks.ValidateCheck(ctx, admin, good); err != nil {
		t.Errorf("a good check: %v", err)
	}
	if len(b.e.Checks.Checks()) != 1 || len(b.e.Targets.Services()) != 1 || len(b.e.Users.Users()) != 1 {
		t.Error("validating has made something")
	}
}
