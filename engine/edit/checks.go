package edit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/engine/form"
	"moonwatch/engine/history"
	"moonwatch/engine/judge"
	"moonwatch/engine/schedule"
	"moonwatch/engine/state"
)

// SaveCheck creates a check (ID "") or replaces the revision that c carries. Its
// Config is raw; the stored values, left as they are, stay as they are. It
// returns an *Error, and blocks on the plugin's own cleaning and on the disk.
func (cs *Checks) SaveCheck(ctx context.Context, by engine.Actor, c engine.Check) (saved *engine.Check, err error) {
	if c.ID == "" {
		c.ID = cs.IDs.New()
		c.Revision = 0
	}
	err = state.Retrying(func() error {
		old := cs.CheckNow(c.ID)
		next, err := CleanCheck(cs.State, ctx, c, old)
		var refused *engine.Error
		if err != nil && (!errors.As(err, &refused) || refused.Kind != engine.Invalid) {
			return err
		}
		saved = next
		return submit(ctx, cs.State, cs.dry, by, func(x *state.Tx) error {
			if x.Checks.Get(c.ID) != old {
				return state.ErrRetry
			}
			if refused != nil {
				p := engine.Problems{List: refused.Fields}
				x.CheckName(&p, engine.KindCheck, c.ID, c.Name, "name")
				return p.Err()
			}
			return SaveCheck(x, next, old, true)
		})
	})
	return engine.CopyOf(saved), err
}

// CleanCheck validates a check against what is stored.
func CleanCheck(e *state.State, ctx context.Context, c engine.Check, old *engine.Check) (*engine.Check, error) {
	switch {
	case old == nil && c.Revision > 0:
		return nil, engine.Missing(engine.KindCheck)
	case old != nil && old.Revision != c.Revision:
		return nil, engine.ErrChanged
	}
	var p engine.Problems
	validate(&c, &p, engine.NameOf(old, func(c *engine.Check) string { return c.Name }))
	var stored form.Values
	if old != nil && old.Plugin == c.Plugin {
		stored = old.Config
	}
	entry, known := e.PluginEntry(c.Plugin)
	switch {
	case c.Plugin == "":
		p.Add("plugin", "required", "This field is required.")
	case stored != nil && SameValues(c.Config, stored):
		c.Config = stored
	case !known || entry.Plugin == nil:
		p.Add("plugin", "not_found", "no plugin has this slug")
	case entry.Plugin.Meta().Kind != engine.CheckPlugin:
		p.Add("plugin", "invalid", "this is an alert plugin, not a check plugin")
	default:
		values, errs := CleanValues(e, ctx, c.Plugin, engine.ConfigForm, c.ID, "config", c.Config, stored)
		c.Config = values
		p.List = append(p.List, errs...)
	}
	return &c, p.Err()
}

func validate(c *engine.Check, p *engine.Problems, oldName string) {
	p.Name("name", c.Name, oldName)
	p.Severity("importance", c.Importance)
	p.Span("interval", c.Interval, time.Second, engine.Year)
	p.Span("timeout", c.Timeout, 100*time.Millisecond, time.Hour)
	between := func(location string, v, least, most int) {
		if v < least {
			p.Add(location, "min", "at least %d", least)
		} else if v > most {
			p.Add(location, "max", "at most %d", most)
		}
	}
	between("debounce", c.Debounce, 0, 1000)
	between("recover_after", c.RecoverAfter, 1, 1000)
	if c.RetryInterval != 0 {
		p.Span("retry_interval", c.RetryInterval, time.Second, engine.Year)
	}
	if c.UnknownAfter != 0 {
		p.Span("unknown_after", c.UnknownAfter, time.Second, engine.Year)
	}
	if c.NoData != engine.NoDataFail && c.NoData != engine.NoDataPass && c.NoData != engine.NoDataKeep {
		p.Add("no_data", "invalid", "one of fail, pass and keep")
	}
	if c.Schedule != nil {
		planned := *c.Schedule
		schedule.Validate(&planned, p)
		c.Schedule = &planned
	}
	p.Link("runbook_link", c.RunbookLink)
	p.Tags(c.Tags)
	if c.Tags == nil {
		c.Tags = []string{}
	}
}

// SaveCheck puts a clean check, with what follows from it. person: it runs at once.
func SaveCheck(x *state.Tx, c, old *engine.Check, person bool) error {
	if err := x.Unique(engine.KindCheck, c.ID, c.Name, "name"); err != nil {
		return err
	}
	action := "create"
	var before any
	var oldMeta *engine.Meta
	if old != nil {
		action, before, oldMeta = "update", old, &old.Meta
	}
	x.SetRevision(engine.KindCheck, &c.Meta, oldMeta)
	if old != nil {
		c.PingToken = old.PingToken
	}
	if c.PingToken == "" {
		c.PingToken, _ = access.NewToken("")
	}
	x.Welcomed()
	x.Checks.Put(c.ID, c)
	x.Audit(action, engine.KindCheck, c.ID, c.Name, before, c)
	state := x.States.Get(c.ID)
	reason := ""
	if state == nil || old != nil && old.Active != c.Active {
		from := ""
		if state != nil {
			from = string(state.Status)
		}
		x.Changed("check:"+c.ID, from, cmp.Or(from, string(engine.CheckPending)), c.Active)
	}
	switch {
	case state == nil:
		x.States.Put(c.ID, engine.NewCheckState(c.ID, x.Now))
	case old != nil && (old.Plugin != c.Plugin || !SameValues(old.Config, c.Config)):
		x.States.Put(c.ID, judge.Reset(state, x.Now))
		if state.Status != engine.CheckPending {
			x.Changed(history.CheckKey(c.ID), string(state.Status), string(engine.CheckPending), c.Active)
		}
		if x.Breakers.Get(engine.CheckBreaker(c.ID)) != nil {
			x.Breakers.Delete(engine.CheckBreaker(c.ID))
		}
	}
	if old != nil && old.Active != c.Active {
		reason = fmt.Sprintf("the check %s was deactivated", c.Name)
	}
	for _, ref := range x.TargetsOf(c.ID) {
		alert.Evaluate(x, ref, reason)
	}
	wait := time.Duration(0)
	if !person {
		wait = waitAfterImport(x, c)
	}
	x.WhenDurable(func() {
		if x.State.Started.Load() {
			x.State.Sched.Set(c, wait)
		}
		x.State.Hooks.Describe(c.ID)
	})
	return nil
}

// waitAfterImport returns how long a check that was not saved by hand waits for
// its next run: it keeps to its grid (negative) when it has a result as it is
// now and of its last slot.
func waitAfterImport(x *state.Tx, c *engine.Check) time.Duration {
	last := x.LastResult(c.ID)
	if state := x.States.Get(c.ID); last != nil && state.Status != engine.CheckPending && !schedule.MissedSlot(c, last.Started, x.Now) {
		return -1
	}
	return schedule.FirstWait(c.ID, schedule.Every(c, x.Now))
}

// DeleteCheck deletes a check with its results, and unlinks it.
func (cs *Checks) DeleteCheck(ctx context.Context, by engine.Actor, id string, revision *uint64) error {
	err := cs.Submit(ctx, by, func(x *state.Tx) error {
		c, err := state.Current(&x.Checks, id, revision)
		if err != nil {
			return err
		}
		subjects := x.TargetsOf(id)
		for _, ref := range subjects {
			unlinkCheck(x, ref, id)
		}
		unlinkFromSilences(x, engine.KindCheck, id)
		state.Remove(x, &x.Checks, id, c.Name)
		if s := x.States.Get(id); s != nil {
			x.Changed(history.CheckKey(id), string(s.Status), "", false)
		}
		x.States.Delete(id)
		if x.Breakers.Get(engine.CheckBreaker(id)) != nil {
			x.Breakers.Delete(engine.CheckBreaker(id))
		}
		if err := x.State.Hooks.DeleteCheck(ctx, x, c); err != nil {
			return err
		}
		for _, ref := range subjects {
			alert.Evaluate(x, ref, fmt.Sprintf("the check %s was deleted", c.Name))
		}
		return nil
	})
	if err != nil {
		return err
	}
	cs.Sched.Remove(id)
	return cs.Store.DropResults(ctx, id, 0)
}

// Checks knows and edits checks.
type Checks struct {
	*state.State
	dry bool // what is saved is validated, and nothing is changed
}
