package edit

import (
	"context"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/state"
)

// Each object has one validation: what saving it would refuse. The methods below tell
// all of it at once, and change nothing. They return what the save would return, and
// block as it does.

// submit makes a change, or tries it.
func submit(ctx context.Context, s *state.State, dry bool, by engine.Actor, fn func(*state.Tx) error) error {
	if dry {
		return s.Try(ctx, by, fn)
	}
	return s.Submit(ctx, by, fn)
}

// ValidateCheck says what SaveCheck would refuse.
func (cs *Checks) ValidateCheck(ctx context.Context, by engine.Actor, c engine.Check) error {
	_, err := (&Checks{State: cs.State, dry: true}).SaveCheck(ctx, by, c)
	return err
}

// ValidateService says what SaveService would refuse.
func (t *Targets) ValidateService(ctx context.Context, by engine.Actor, s engine.Service) error {
	_, err := (&Targets{State: t.State, dry: true}).SaveService(ctx, by, s)
	return err
}

// ValidateInstance says what SaveInstance would refuse.
func (t *Targets) ValidateInstance(ctx context.Context, by engine.Actor, i engine.Instance) error {
	_, err := (&Targets{State: t.State, dry: true}).SaveInstance(ctx, by, i)
	return err
}

// ValidateUser says what SaveUser would refuse.
func (us *Users) ValidateUser(ctx context.Context, by engine.Actor, u engine.User, password string) error {
	_, err := (&Users{State: us.State, dry: true}).SaveUser(ctx, by, u, password, "")
	return err
}

// ValidateToken says what CreateToken, or for a token with an id SaveToken, would refuse.
func (ts *Tokens) ValidateToken(ctx context.Context, by engine.Actor, t engine.Token) error {
	dry := &Tokens{State: ts.State, dry: true}
	if t.ID == "" {
		_, _, err := dry.CreateToken(ctx, by, t)
		return err
	}
	_, err := dry.SaveToken(ctx, by, t)
	return err
}

// ValidateRota says what SaveRota would refuse.
func (rs *Rotas) ValidateRota(ctx context.Context, by engine.Actor, r engine.Rota) error {
	_, err := (&Rotas{State: rs.State, dry: true}).SaveRota(ctx, by, r)
	return err
}

// ValidateSilence says what SaveSilence would refuse.
func (ss *Silences) ValidateSilence(ctx context.Context, by engine.Actor, s engine.Silence) error {
	_, err := (&Silences{State: ss.State, dry: true}).SaveSilence(ctx, by, s)
	return err
}

// ValidateSettings says what SaveSettings would refuse.
func (site *Site) ValidateSettings(ctx context.Context, by engine.Actor, s engine.Settings) error {
	_, err := (&Site{State: site.State, dry: true}).SaveSettings(ctx, by, s)
	return err
}

// ValidatePluginSettings says what SavePluginSettings would refuse.
func (site *Site) ValidatePluginSettings(ctx context.Context, by engine.Actor, slug string, raw form.Values, revision *uint64) error {
	return (&Site{State: site.State, dry: true}).SavePluginSettings(ctx, by, slug, raw, revision)
}
