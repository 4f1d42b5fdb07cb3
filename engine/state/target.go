package state

import (
	"cmp"
	"slices"

	"moonwatch/engine"
)

// Target is a service or an instance, seen alike.
type Target struct {
	Ref       engine.Ref
	Name      string
	URL       string
	Address   string
	Instances []string
	*engine.Alerting
}

func (x *Tx) Target(ref engine.Ref) (Target, bool) {
	switch ref.Kind {
	case engine.KindService:
		if s := x.Services.Get(ref.ID); s != nil {
			return Target{ref, s.Name, s.URL, "", s.Instances, &s.Alerting}, true
		}
	case engine.KindInstance:
		if i := x.Instances.Get(ref.ID); i != nil {
			return Target{ref, i.Name, "", i.Address, []string{i.ID}, &i.Alerting}, true
		}
	}
	return Target{Ref: ref}, false
}

// TargetsOf returns the services and instances that a check is linked to, in
// order of kind and id.
func (x *Tx) TargetsOf(check string) []engine.Ref {
	var refs []engine.Ref
	for ref := range x.Tables.TargetsOf[check] {
		if s, ok := x.Target(ref); ok && slices.Contains(s.StatusChecks, check) {
			refs = append(refs, ref)
		}
	}
	look := func(ref engine.Ref) {
		if !x.Tables.TargetsOf[check][ref] && !slices.Contains(refs, ref) {
			if s, ok := x.Target(ref); ok && slices.Contains(s.StatusChecks, check) {
				refs = append(refs, ref)
			}
		}
	}
	for at := x; at != nil; at = at.Parent {
		for id := range at.Services.Puts {
			look(engine.Ref{Kind: engine.KindService, ID: id})
		}
		for id := range at.Instances.Puts {
			look(engine.Ref{Kind: engine.KindInstance, ID: id})
		}
	}
	slices.SortFunc(refs, func(a, b engine.Ref) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) })
	return refs
}

func (x *Tx) Overall(ref engine.Ref) engine.Status {
	if s := x.Subjects.Get(ref.Key()); s != nil {
		return s.Overall
	}
	return engine.StatusPassing
}
