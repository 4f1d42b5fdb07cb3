package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"moonwatch/engine/form"
)

// SaveService creates a service (ID "") or replaces the revision that s
// carries. It returns an *Error, and blocks on plugins' cleaning and on the disk.
func (e *targetService) SaveService(ctx context.Context, by Actor, s Service) (saved *Service, err error) {
	if s.ID == "" {
		s.ID, s.Revision = e.newID(), 0
	}
	err = retrying(func() error {
		e.mu.RLock()
		old := e.tables.services[s.ID]
		e.mu.RUnlock()
		if err := atRevision(KindService, s.Revision, old == nil, func() uint64 { return old.Revision }); err != nil {
			return err
		}
		next := s
		var p problems
		p.name("name", next.Name, nameOf(old, func(s *Service) string { return s.Name }))
		p.link("url", next.URL)
		var oldAlerting *Alerting
		if old != nil {
			oldAlerting = &old.Alerting
		}
		e.cleanAlerting(ctx, &p, s.ID, &next.Alerting, oldAlerting)
		next.Instances = orEmpty(next.Instances)
		saved = &next
		return e.do(ctx, by, func(x *tx) error {
			if x.services.get(s.ID) != old {
				return errRetry
			}
			return x.saveService(&next, old, p)
		})
	})
	e.savedAlerting(ctx, Ref{KindService, s.ID}, err)
	return saved, err
}

// SaveInstance creates an instance (ID "") or replaces the revision that i
// carries. It returns an *Error, and blocks on plugins' cleaning and on the disk.
func (e *targetService) SaveInstance(ctx context.Context, by Actor, i Instance) (saved *Instance, err error) {
	if i.ID == "" {
		i.ID, i.Revision = e.newID(), 0
	}
	err = retrying(func() error {
		e.mu.RLock()
		old := e.tables.instances[i.ID]
		e.mu.RUnlock()
		if err := atRevision(KindInstance, i.Revision, old == nil, func() uint64 { return old.Revision }); err != nil {
			return err
		}
		next := i
		var p problems
		p.name("name", next.Name, nameOf(old, func(i *Instance) string { return i.Name }))
		p.text("address", next.Address, false, 255)
		var oldAlerting *Alerting
		if old != nil {
			oldAlerting = &old.Alerting
		}
		e.cleanAlerting(ctx, &p, i.ID, &next.Alerting, oldAlerting)
		saved = &next
		return e.do(ctx, by, func(x *tx) error {
			if x.instances.get(i.ID) != old {
				return errRetry
			}
			return x.saveInstance(&next, old, p)
		})
	})
	e.savedAlerting(ctx, Ref{KindInstance, i.ID}, err)
	return saved, err
}

// cleanAlerting validates what services and instances have in common.
func (e *State) cleanAlerting(ctx context.Context, p *problems, id string, a, old *Alerting) {
	p.link("runbook_link", a.RunbookLink)
	p.tags(a.Tags)
	a.StatusChecks, a.UsersToNotify, a.Alerts = orEmpty(a.StatusChecks), orEmpty(a.UsersToNotify), orEmpty(a.Alerts)
	a.Rotas, a.Escalation, a.DependsOn, a.Tags = orEmpty(a.Rotas), orEmpty(a.Escalation), orEmpty(a.DependsOn), orEmpty(a.Tags)
	if a.RepeatInterval == nil {
		a.RepeatInterval = map[Status]Duration{}
	}
	for severity, d := range a.RepeatInterval {
		location := "repeat_interval." + string(severity)
		if !severity.IsSeverity() {
			p.add(location, "unknown", "the keys are WARNING, ERROR and CRITICAL")
			continue
		}
		if d == 0 { // null: the site's own
			delete(a.RepeatInterval, severity)
			continue
		}
		p.span(location, d, time.Second, year)
	}
	if len(a.DependsOn) > dependsMost {
		p.add("depends_on", "max", "at most %d services and instances", dependsMost)
		a.DependsOn = []Ref{} // nor is each of them looked at
	}
	for i, d := range a.DependsOn {
		if slices.Contains(a.DependsOn[:i], d) {
			p.add(at("depends_on", i), "unique", "this %s is in the list already", d.Kind)
		}
	}
	e.cleanRule(p, a, old)
	e.cleanSteps(p, a)
	a.Alerts = slices.Clone(a.Alerts)
	seen := map[string]bool{}
	for i := range a.Alerts {
		e.cleanAlert(ctx, p, id, at("alerts", i), &a.Alerts[i], old, seen)
	}
}

// stepsMost is how many escalation steps a subject may have.
const stepsMost = 20

func (e *State) cleanSteps(p *problems, a *Alerting) {
	if len(a.Escalation) > stepsMost {
		p.add("escalation", "max", "at most %d steps", stepsMost)
		return
	}
	a.Escalation = slices.Clone(a.Escalation)
	for i := range a.Escalation {
		step, location := &a.Escalation[i], at("escalation", i)
		p.span(location+".after", step.After, time.Second, year)
		step.Users, step.Rotas, step.Plugins = orEmpty(step.Users), orEmpty(step.Rotas), orEmpty(step.Plugins)
		if len(step.Users)+len(step.Rotas)+len(step.Plugins) == 0 {
			p.add(location, "required", "name users, rotas or plugins")
		}
		for j, slug := range step.Plugins {
			if entry, known := e.pluginEntry(slug); !known || entry.Plugin == nil || entry.Plugin.Meta().Kind != AlertPlugin {
				p.add(at(location+".plugins", j), "not_found", "no alert plugin has this slug")
			} else if slices.Contains(step.Plugins[:j], slug) {
				p.add(at(location+".plugins", j), "unique", "this plugin is in the list already")
			}
		}
	}
}

func (e *State) cleanAlert(ctx context.Context, p *problems, id, location string, choice *AlertChoice, old *Alerting, seen map[string]bool) {
	if choice.Plugin == "" {
		p.add(location+".plugin", "required", "this is required")
		return
	}
	if seen[choice.Plugin] {
		p.add(location+".plugin", "unique", "this plugin is in the list already")
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
	if stored != nil && sameValues(choice.Settings, stored) {
		choice.Settings = stored
		return
	}
	entry, known := e.pluginEntry(choice.Plugin)
	switch {
	case !known || entry.Plugin == nil:
		p.add(location+".plugin", "not_found", "no plugin has this slug")
	case entry.Plugin.Meta().Kind != AlertPlugin:
		p.add(location+".plugin", "invalid", "this is a check plugin, not an alert plugin")
	default:
		values, errs := e.cleanValues(ctx, choice.Plugin, ServiceConfigForm, id, location+".settings", choice.Settings, stored)
		choice.Settings = values
		p.list = append(p.list, errs...)
	}
}

// checkLinks complains about ids that are not there or stand twice.
func (x *tx) checkLinks(p *problems, ref Ref, a *Alerting) {
	links(p, "status_checks", a.StatusChecks, "check", func(id string) bool { return x.checks.get(id) != nil })
	links(p, "users_to_notify", a.UsersToNotify, "user", func(id string) bool { return x.users.get(id) != nil })
	links(p, "rotas", a.Rotas, "rota", func(id string) bool { return x.rotas.get(id) != nil })
	for i, step := range a.Escalation {
		location := at("escalation", i)
		links(p, location+".users", step.Users, "user", func(id string) bool { return x.users.get(id) != nil })
		links(p, location+".rotas", step.Rotas, "rota", func(id string) bool { return x.rotas.get(id) != nil })
	}
	for i, d := range a.DependsOn {
		if _, ok := x.subject(d); !ok {
			p.add(at("depends_on", i), "not_found", "no such %s", d.Kind)
		} else if d == ref || x.dependsOn(d, ref, map[Ref]bool{}) {
			p.add(at("depends_on", i), "cycle", "this would depend on itself")
		}
	}
}

// How many objects a list may name, and how many one may depend on.
const (
	linksMost   = 10_000
	dependsMost = 200
)

func links(p *problems, location string, ids []string, what string, there func(string) bool) {
	if len(ids) > linksMost {
		p.add(location, "max", "at most %d", linksMost)
		return
	}
	seen := map[string]bool{}
	for i, id := range ids {
		if !there(id) {
			p.add(at(location, i), "not_found", "no such %s", what)
		} else if seen[id] {
			p.add(at(location, i), "unique", "this %s is in the list already", what)
		}
		seen[id] = true
	}
}

// dependsOn reports whether from depends on to, directly or through others.
func (x *tx) dependsOn(from, to Ref, seen map[Ref]bool) bool {
	s, ok := x.subject(from)
	if !ok || seen[from] {
		return false
	}
	seen[from] = true
	for _, d := range s.DependsOn {
		if d == to || x.dependsOn(d, to, seen) {
			return true
		}
	}
	return false
}

// saveService puts a service unless something is wrong with it: p is what was
// found so far.
func (x *tx) saveService(s, old *Service, p problems) error {
	x.checkName(&p, KindService, s.ID, s.Name, "name")
	ref := Ref{KindService, s.ID}
	x.checkLinks(&p, ref, &s.Alerting)
	links(&p, "instances", s.Instances, "instance", func(id string) bool { return x.instances.get(id) != nil })
	if err := p.err(); err != nil {
		return err
	}
	if old == nil {
		x.stamp(KindService, &s.Meta, nil)
		x.audit("create", KindService, s.ID, s.Name, nil, s)
	} else {
		x.stamp(KindService, &s.Meta, &old.Meta)
		x.audit("update", KindService, s.ID, s.Name, old, s)
	}
	x.welcomed()
	x.services.put(s.ID, s)
	x.retryOf(ref, &s.Alerting)
	x.evaluate(ref, "failing checks were unlinked")
	return nil
}

// saveInstance is saveService for an instance.
func (x *tx) saveInstance(i, old *Instance, p problems) error {
	x.checkName(&p, KindInstance, i.ID, i.Name, "name")
	ref := Ref{KindInstance, i.ID}
	x.checkLinks(&p, ref, &i.Alerting)
	if err := p.err(); err != nil {
		return err
	}
	if old == nil {
		x.stamp(KindInstance, &i.Meta, nil)
		x.audit("create", KindInstance, i.ID, i.Name, nil, i)
	} else {
		x.stamp(KindInstance, &i.Meta, &old.Meta)
		x.audit("update", KindInstance, i.ID, i.Name, old, i)
	}
	x.instances.put(i.ID, i)
	x.retryOf(ref, &i.Alerting)
	x.evaluate(ref, "failing checks were unlinked")
	return nil
}

// DeleteService deletes a service; an open incident closes and those who were
// told are told.
func (e *targetService) DeleteService(ctx context.Context, by Actor, id string, revision *uint64) error {
	return e.do(ctx, by, func(x *tx) error {
		s := x.services.get(id)
		if s == nil {
			return missing(KindService)
		}
		if revision != nil && *revision != s.Revision {
			return errChanged
		}
		if id == builtIn.ID {
			return conflictf("the built-in service cannot be deleted")
		}
		x.services.delete(id)
		x.dropSubject(Ref{KindService, id}, s.Name, s)
		return nil
	})
}

// DeleteInstance deletes an instance, and unlinks it from services.
func (e *targetService) DeleteInstance(ctx context.Context, by Actor, id string, revision *uint64) error {
	return e.do(ctx, by, func(x *tx) error {
		i := x.instances.get(id)
		if i == nil {
			return missing(KindInstance)
		}
		if revision != nil && *revision != i.Revision {
			return errChanged
		}
		for _, s := range x.services.all() {
			if slices.Contains(s.Instances, id) {
				c := *s
				c.Instances = slices.DeleteFunc(slices.Clone(s.Instances), func(o string) bool { return o == id })
				x.stamp(KindService, &c.Meta, &s.Meta)
				x.services.put(c.ID, &c)
			}
		}
		x.instances.delete(id)
		x.dropSubject(Ref{KindInstance, id}, i.Name, i)
		return nil
	})
}

// dropSubject lets go of all that refers to a deleted service or instance.
func (x *tx) dropSubject(ref Ref, name string, before any) {
	x.deletes, x.deleter = true, x.by.Name
	x.audit("delete", ref.Kind, ref.ID, name, before, nil)
	x.unlinkFromSilences(ref.Kind, ref.ID)
	x.unlinkSubject(ref)
	x.evaluate(ref, fmt.Sprintf("the %s %s was deleted", ref.Kind, name))
}

// targetService knows and edits services and instances.
type targetService struct{ *State }
