package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// SaveCheck creates a check (ID "") or replaces the revision that c carries. Its
// Config is raw; the stored values, left as they are, stay as they are. It
// returns an *Error, and blocks on the plugin's own cleaning and on the disk.
func (e *checkService) SaveCheck(ctx context.Context, by Actor, c Check) (saved *Check, err error) {
	if c.ID == "" {
		c.ID = e.newID()
		c.Revision = 0
	}
	err = retrying(func() error {
		old := e.checkNow(c.ID)
		next, err := e.cleanCheck(ctx, c, old)
		var refused *Error
		if err != nil && (!errors.As(err, &refused) || refused.Kind != Invalid) {
			return err
		}
		saved = next
		return e.do(ctx, by, func(x *tx) error {
			if x.checks.get(c.ID) != old {
				return errRetry
			}
			if refused != nil {
				p := problems{refused.Fields}
				x.checkName(&p, KindCheck, c.ID, c.Name, "name")
				return p.err()
			}
			return x.saveCheck(next, old, true)
		})
	})
	return saved, err
}

// cleanCheck validates a check against what is stored.
func (e *State) cleanCheck(ctx context.Context, c Check, old *Check) (*Check, error) {
	switch {
	case old == nil && c.Revision > 0:
		return nil, missing(KindCheck)
	case old != nil && old.Revision != c.Revision:
		return nil, errChanged
	}
	var p problems
	c.validate(&p, nameOf(old, func(c *Check) string { return c.Name }))
	var stored form.Values
	if old != nil && old.Plugin == c.Plugin {
		stored = old.Config
	}
	entry, known := e.pluginEntry(c.Plugin)
	switch {
	case c.Plugin == "":
		p.add("plugin", "required", "this is required")
	case stored != nil && sameValues(c.Config, stored):
		c.Config = stored
	case !known || entry.Plugin == nil:
		p.add("plugin", "not_found", "no plugin has this slug")
	case entry.Plugin.Meta().Kind != CheckPlugin:
		p.add("plugin", "invalid", "this is an alert plugin, not a check plugin")
	default:
		values, errs := e.cleanValues(ctx, c.Plugin, ConfigForm, c.ID, "config", c.Config, stored)
		c.Config = values
		p.list = append(p.list, errs...)
	}
	return &c, p.err()
}

func (c *Check) validate(p *problems, oldName string) {
	p.name("name", c.Name, oldName)
	p.severity("importance", c.Importance)
	p.span("interval", c.Interval, time.Second, year)
	p.span("timeout", c.Timeout, 100*time.Millisecond, time.Hour)
	between := func(location string, v, least, most int) {
		if v < least {
			p.add(location, "min", "at least %d", least)
		} else if v > most {
			p.add(location, "max", "at most %d", most)
		}
	}
	between("debounce", c.Debounce, 0, 1000)
	between("recover_after", c.RecoverAfter, 1, 1000)
	if c.RetryInterval != 0 {
		p.span("retry_interval", c.RetryInterval, time.Second, year)
	}
	if c.UnknownAfter != 0 {
		p.span("unknown_after", c.UnknownAfter, time.Second, year)
	}
	if c.NoData != NoDataFail && c.NoData != NoDataPass && c.NoData != NoDataKeep {
		p.add("no_data", "invalid", "one of fail, pass and keep")
	}
	if c.Schedule != nil {
		schedule := *c.Schedule
		schedule.validate(p)
		c.Schedule = &schedule
	}
	p.link("runbook_link", c.RunbookLink)
	p.tags(c.Tags)
	if c.Tags == nil {
		c.Tags = []string{}
	}
}

// saveCheck puts a clean check, with what follows from it. person: it runs at once.
func (x *tx) saveCheck(c, old *Check, person bool) error {
	if err := x.unique(KindCheck, c.ID, c.Name, "name"); err != nil {
		return err
	}
	action := "create"
	var before any
	var oldMeta *Meta
	if old != nil {
		action, before, oldMeta = "update", old, &old.Meta
	}
	x.stamp(KindCheck, &c.Meta, oldMeta)
	if old != nil {
		c.PingToken = old.PingToken
	}
	if c.PingToken == "" {
		c.PingToken, _ = access.NewToken("")
	}
	x.welcomed()
	x.checks.put(c.ID, c)
	x.audit(action, KindCheck, c.ID, c.Name, before, c)
	state := x.states.get(c.ID)
	reason := ""
	if state == nil || old != nil && old.Active != c.Active {
		from := ""
		if state != nil {
			from = string(state.Status)
		}
		x.changed("check:"+c.ID, from, cmp.Or(from, string(CheckPending)), c.Active)
	}
	switch {
	case state == nil:
		x.states.put(c.ID, NewCheckState(c.ID, x.now))
	case old != nil && (old.Plugin != c.Plugin || !sameValues(old.Config, c.Config)):
		x.states.put(c.ID, Reset(state, x.now))
		if state.Status != CheckPending {
			x.changed(CheckKey(c.ID), string(state.Status), string(CheckPending), c.Active)
		}
		if x.breakers.get(checkBreaker(c.ID)) != nil {
			x.breakers.delete(checkBreaker(c.ID))
		}
	}
	if old != nil && old.Active != c.Active {
		reason = fmt.Sprintf("the check %s was deactivated", c.Name)
	}
	for _, ref := range x.subjectsOf(c.ID) {
		x.evaluate(ref, reason)
	}
	wait := time.Duration(0)
	if !person {
		wait = x.waitAfterImport(c)
	}
	x.whenDurable(func() {
		if x.e.started.Load() {
			x.e.sched.set(c, wait)
		}
		x.e.hooks.describe(c.ID)
	})
	return nil
}

// waitAfterImport returns how long a check that was not saved by hand waits for
// its next run: it keeps to its grid (negative) when it has a result as it is
// now and of its last slot.
func (x *tx) waitAfterImport(c *Check) time.Duration {
	last := x.lastResult(c.ID)
	if state := x.states.get(c.ID); last != nil && state.Status != CheckPending && !missedSlot(c, last.Started, x.now) {
		return -1
	}
	return firstWait(c.ID, c.every())
}

// DeleteCheck deletes a check with its results, and unlinks it.
func (e *checkService) DeleteCheck(ctx context.Context, by Actor, id string, revision *uint64) error {
	err := e.do(ctx, by, func(x *tx) error {
		c := x.checks.get(id)
		if c == nil {
			return missing(KindCheck)
		}
		if revision != nil && *revision != c.Revision {
			return errChanged
		}
		subjects := x.subjectsOf(id)
		for _, ref := range subjects {
			x.unlinkCheck(ref, id)
		}
		x.unlinkFromSilences(KindCheck, id)
		x.checks.delete(id)
		x.deletes, x.deleter = true, x.by.Name
		if s := x.states.get(id); s != nil {
			x.changed(CheckKey(id), string(s.Status), "", false)
		}
		x.states.delete(id)
		if x.breakers.get(checkBreaker(id)) != nil {
			x.breakers.delete(checkBreaker(id))
		}
		if err := x.e.hooks.deleteCheck(ctx, x, c); err != nil {
			return err
		}
		x.audit("delete", KindCheck, id, c.Name, c, nil)
		for _, ref := range subjects {
			x.evaluate(ref, fmt.Sprintf("the check %s was deleted", c.Name))
		}
		return nil
	})
	if err != nil {
		return err
	}
	e.sched.remove(id)
	return e.store.DropResults(ctx, id, 0)
}

// checkService knows and edits checks.
type checkService struct{ *State }
