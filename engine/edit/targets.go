package edit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/form"
	"moonwatch/engine/state"
)

// SaveService creates a service (ID "") or replaces the revision that s
// carries. It returns an *Error, and blocks on plugins' cleaning and on the disk.
func (t *Targets) SaveService(ctx context.Context, by engine.Actor, s engine.Service) (saved *engine.Service, err error) {
	if s.ID == "" {
		s.ID, s.Revision = t.IDs.New(), 0
	}
	err = state.Retrying(func() error {
		t.Mu.RLock()
		old := t.Tables.Services[s.ID]
		t.Mu.RUnlock()
		if err := state.AtRevision(engine.KindService, s.Revision, old == nil, func() uint64 { return old.Revision }); err != nil {
			return err
		}
		next := s
		var p engine.Problems
		p.Name("name", next.Name, engine.NameOf(old, func(s *engine.Service) string { return s.Name }))
		p.Link("url", next.URL)
		var oldAlerting *engine.Alerting
		if old != nil {
			oldAlerting = &old.Alerting
		}
		CleanAlerting(t.State, ctx, &p, s.ID, &next.Alerting, oldAlerting)
		next.Instances = engine.OrEmpty(next.Instances)
		saved = &next
		return submit(ctx, t.State, t.dry, by, func(x *state.Tx) error {
			if x.Services.Get(s.ID) != old {
				return state.ErrRetry
			}
			return SaveService(x, &next, old, p)
		})
	})
	if t.dry {
		return engine.CopyOf(saved), err
	}
	alert.SavedAlerting(t.State, ctx, engine.Ref{Kind: engine.KindService, ID: s.ID}, err)
	return engine.CopyOf(saved), err
}

// SaveInstance creates an instance (ID "") or replaces the revision that i
// carries. It returns an *Error, and blocks on plugins' cleaning and on the disk.
func (t *Targets) SaveInstance(ctx context.Context, by engine.Actor, i engine.Instance) (saved *engine.Instance, err error) {
	if i.ID == "" {
		i.ID, i.Revision = t.IDs.New(), 0
	}
	err = state.Retrying(func() error {
		t.Mu.RLock()
		old := t.Tables.Instances[i.ID]
		t.Mu.RUnlock()
		if err := state.AtRevision(engine.KindInstance, i.Revision, old == nil, func() uint64 { return old.Revision }); err != nil {
			return err
		}
		next := i
		var p engine.Problems
		p.Name("name", next.Name, engine.NameOf(old, func(i *engine.Instance) string { return i.Name }))
		p.Text("address", next.Address, false, 255)
		var oldAlerting *engine.Alerting
		if old != nil {
			oldAlerting = &old.Alerting
		}
		CleanAlerting(t.State, ctx, &p, i.ID, &next.Alerting, oldAlerting)
		saved = &next
		return submit(ctx, t.State, t.dry, by, func(x *state.Tx) error {
			if x.Instances.Get(i.ID) != old {
				return state.ErrRetry
			}
			return SaveInstance(x, &next, old, p)
		})
	})
	if t.dry {
		return engine.CopyOf(saved), err
	}
	alert.SavedAlerting(t.State, ctx, engine.Ref{Kind: engine.KindInstance, ID: i.ID}, err)
	return engine.CopyOf(saved), err
}

// CleanAlerting validates what services and instances have in common.
func CleanAlerting(e *state.State, ctx context.Context, p *engine.Problems, id string, a, old *engine.Alerting) {
	p.Link("runbook_link", a.RunbookLink)
	p.Tags(a.Tags)
	a.StatusChecks, a.UsersToNotify, a.Alerts = engine.OrEmpty(a.StatusChecks), engine.OrEmpty(a.UsersToNotify), engine.OrEmpty(a.Alerts)
	a.Rotas, a.Escalation, a.DependsOn, a.Tags = engine.OrEmpty(a.Rotas), engine.OrEmpty(a.Escalation), engine.OrEmpty(a.DependsOn), engine.OrEmpty(a.Tags)
	if a.RepeatInterval == nil {
		a.RepeatInterval = map[engine.Status]engine.Duration{}
	}
	for severity, d := range a.RepeatInterval {
		location := "repeat_interval." + string(severity)
		if !severity.IsSeverity() {
			p.Add(location, "unknown", "the keys are WARNING, ERROR and CRITICAL")
			continue
		}
		if d == 0 { // null: the site's own
			delete(a.RepeatInterval, severity)
			continue
		}
		p.Span(location, d, time.Second, engine.Year)
	}
	if len(a.DependsOn) > maxDepends {
		p.Add("depends_on", "max", "at most %d services and instances", maxDepends)
		a.DependsOn = []engine.Ref{} // nor is each of them looked at
	}
	for i, d := range a.DependsOn {
		if slices.Contains(a.DependsOn[:i], d) {
			p.Add(engine.At("depends_on", i), "unique", "this %s is in the list already", d.Kind)
		}
	}
	alert.CleanRule(e, p, a, old)
	cleanSteps(e, p, a)
	a.Alerts = slices.Clone(a.Alerts)
	seen := map[string]bool{}
	for i := range a.Alerts {
		cleanAlert(e, ctx, p, id, engine.At("alerts", i), &a.Alerts[i], old, seen)
	}
}

// maxSteps is how many escalation steps a subject may have.
const maxSteps = 20

func cleanSteps(e *state.State, p *engine.Problems, a *engine.Alerting) {
	if len(a.Escalation) > maxSteps {
		p.Add("escalation", "max", "at most %d steps", maxSteps)
		return
	}
	a.Escalation = slices.Clone(a.Escalation)
	for i := range a.Escalation {
		step, location := &a.Escalation[i], engine.At("escalation", i)
		p.Span(location+".after", step.After, time.Second, engine.Year)
		step.Users, step.Rotas, step.Plugins = engine.OrEmpty(step.Users), engine.OrEmpty(step.Rotas), engine.OrEmpty(step.Plugins)
		if len(step.Users)+len(step.Rotas)+len(step.Plugins) == 0 {
			p.Add(location, "required", "name users, rotas or plugins")
		}
		for j, slug := range step.Plugins {
			if entry, known := e.PluginEntry(slug); !known || entry.Plugin == nil || entry.Plugin.Meta().Kind != engine.AlertPlugin {
				p.Add(engine.At(location+".plugins", j), "not_found", "no alert plugin has this slug")
			} else if slices.Contains(step.Plugins[:j], slug) {
				p.Add(engine.At(location+".plugins", j), "unique", "this plugin is in the list already")
			}
		}
	}
}

func cleanAlert(e *state.State, ctx context.Context, p *engine.Problems, id, location string, choice *engine.AlertChoice, old *engine.Alerting, seen map[string]bool) {
	if choice.Plugin == "" {
		p.Add(location+".plugin", "required", "This field is required.")
		return
	}
	if seen[choice.Plugin] {
		p.Add(location+".plugin", "unique", "this plugin is in the list already")
		return
	}
	seen[choice.Plugin] = true
	var stored form.Values
	if old != nil {
		for _, o := range old.Alerts {
			if o.Plugin == choice.Plugin {
				if stored = o.Settings; stored == nil {
					stored = form.Values{}
				}
			}
		}
	}
	if stored != nil && SameValues(choice.Settings, stored) {
		choice.Settings = stored
		return
	}
	entry, known := e.PluginEntry(choice.Plugin)
	switch {
	case !known || entry.Plugin == nil:
		p.Add(location+".plugin", "not_found", "no plugin has this slug")
	case entry.Plugin.Meta().Kind != engine.AlertPlugin:
		p.Add(location+".plugin", "invalid", "this is a check plugin, not an alert plugin")
	default:
		values, errs := CleanValues(e, ctx, choice.Plugin, engine.ServiceConfigForm, id, location+".settings", choice.Settings, stored)
		choice.Settings = values
		p.List = append(p.List, errs...)
	}
}

// checkLinks complains about ids that are not there or stand twice.
func checkLinks(x *state.Tx, p *engine.Problems, ref engine.Ref, a *engine.Alerting) {
	links(p, "status_checks", a.StatusChecks, "check", func(id string) bool { return x.Checks.Get(id) != nil })
	links(p, "users_to_notify", a.UsersToNotify, "user", func(id string) bool { return x.Users.Get(id) != nil })
	links(p, "rotas", a.Rotas, "rota", func(id string) bool { return x.Rotas.Get(id) != nil })
	for i, step := range a.Escalation {
		location := engine.At("escalation", i)
		links(p, location+".users", step.Users, "user", func(id string) bool { return x.Users.Get(id) != nil })
		links(p, location+".rotas", step.Rotas, "rota", func(id string) bool { return x.Rotas.Get(id) != nil })
	}
	for i, d := range a.DependsOn {
		if _, ok := x.Target(d); !ok {
			p.Add(engine.At("depends_on", i), "not_found", "no such %s", d.Kind)
		} else if d == ref || dependsOn(x, d, ref, map[engine.Ref]bool{}) {
			p.Add(engine.At("depends_on", i), "cycle", "this would depend on itself")
		}
	}
}

// How many objects a list may name, and how many one may depend on.
const (
	maxLinks   = 10_000
	maxDepends = 200
)

func links(p *engine.Problems, location string, ids []string, what string, there func(string) bool) {
	if len(ids) > maxLinks {
		p.Add(location, "max", "at most %d", maxLinks)
		return
	}
	seen := map[string]bool{}
	for i, id := range ids {
		if !there(id) {
			p.Add(engine.At(location, i), "not_found", "no such %s", what)
		} else if seen[id] {
			p.Add(engine.At(location, i), "unique", "this %s is in the list already", what)
		}
		seen[id] = true
	}
}

// dependsOn reports whether from depends on to, directly or through others.
func dependsOn(x *state.Tx, from, to engine.Ref, seen map[engine.Ref]bool) bool {
	s, ok := x.Target(from)
	if !ok || seen[from] {
		return false
	}
	seen[from] = true
	for _, d := range s.DependsOn {
		if d == to || dependsOn(x, d, to, seen) {
			return true
		}
	}
	return false
}

// SaveService puts a service unless something is wrong with it: p is what was
// found so far.
func SaveService(x *state.Tx, s, old *engine.Service, p engine.Problems) error {
	x.CheckName(&p, engine.KindService, s.ID, s.Name, "name")
	ref := engine.Ref{Kind: engine.KindService, ID: s.ID}
	checkLinks(x, &p, ref, &s.Alerting)
	links(&p, "instances", s.Instances, "instance", func(id string) bool { return x.Instances.Get(id) != nil })
	if err := p.Err(); err != nil {
		return err
	}
	if old == nil {
		x.SetRevision(engine.KindService, &s.Meta, nil)
		x.Audit("create", engine.KindService, s.ID, s.Name, nil, s)
	} else {
		x.SetRevision(engine.KindService, &s.Meta, &old.Meta)
		x.Audit("update", engine.KindService, s.ID, s.Name, old, s)
	}
	x.Welcomed()
	x.Services.Put(s.ID, s)
	alert.RetryOf(x, ref, &s.Alerting)
	alert.Evaluate(x, ref, "failing checks were unlinked")
	return nil
}

// SaveInstance is SaveService for an instance.
func SaveInstance(x *state.Tx, i, old *engine.Instance, p engine.Problems) error {
	x.CheckName(&p, engine.KindInstance, i.ID, i.Name, "name")
	ref := engine.Ref{Kind: engine.KindInstance, ID: i.ID}
	checkLinks(x, &p, ref, &i.Alerting)
	if err := p.Err(); err != nil {
		return err
	}
	if old == nil {
		x.SetRevision(engine.KindInstance, &i.Meta, nil)
		x.Audit("create", engine.KindInstance, i.ID, i.Name, nil, i)
	} else {
		x.SetRevision(engine.KindInstance, &i.Meta, &old.Meta)
		x.Audit("update", engine.KindInstance, i.ID, i.Name, old, i)
	}
	x.Instances.Put(i.ID, i)
	alert.RetryOf(x, ref, &i.Alerting)
	alert.Evaluate(x, ref, "failing checks were unlinked")
	return nil
}

// DeleteService deletes a service; an open incident closes and those who were
// told are told.
func (t *Targets) DeleteService(ctx context.Context, by engine.Actor, id string, revision *uint64) error {
	return t.Submit(ctx, by, func(x *state.Tx) error {
		s, err := state.Current(&x.Services, id, revision)
		if err != nil {
			return err
		}
		if id == engine.BuiltIn.ID {
			return engine.Conflictf("the built-in service cannot be deleted")
		}
		state.Remove(x, &x.Services, id, s.Name)
		unlinkTarget(x, engine.Ref{Kind: engine.KindService, ID: id}, s.Name)
		return nil
	})
}

// DeleteInstance deletes an instance, and unlinks it from services.
func (t *Targets) DeleteInstance(ctx context.Context, by engine.Actor, id string, revision *uint64) error {
	return t.Submit(ctx, by, func(x *state.Tx) error {
		i, err := state.Current(&x.Instances, id, revision)
		if err != nil {
			return err
		}
		for _, s := range x.Services.All() {
			if slices.Contains(s.Instances, id) {
				c := *s
				c.Instances = slices.DeleteFunc(slices.Clone(s.Instances), func(o string) bool { return o == id })
				x.SetRevision(engine.KindService, &c.Meta, &s.Meta)
				x.Services.Put(c.ID, &c)
			}
		}
		state.Remove(x, &x.Instances, id, i.Name)
		unlinkTarget(x, engine.Ref{Kind: engine.KindInstance, ID: id}, i.Name)
		return nil
	})
}

// unlinkTarget lets go of all that refers to a deleted service or instance.
func unlinkTarget(x *state.Tx, ref engine.Ref, name string) {
	unlinkFromSilences(x, ref.Kind, ref.ID)
	unlinkSubject(x, ref)
	alert.Evaluate(x, ref, fmt.Sprintf("the %s %s was deleted", ref.Kind, name))
}

// Targets knows and edits services and instances.
type Targets struct {
	*state.State
	dry bool // what is saved is validated, and nothing is changed
}
