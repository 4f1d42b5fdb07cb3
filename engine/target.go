package engine

import (
	"cmp"
	"slices"
)

// subject is a service or an instance, seen alike.
type subject struct {
	ref       Ref
	name      string
	url       string
	address   string
	instances []string
	*Alerting
}

func (x *tx) subject(ref Ref) (subject, bool) {
	switch ref.Kind {
	case KindService:
		if s := x.services.get(ref.ID); s != nil {
			return subject{ref, s.Name, s.URL, "", s.Instances, &s.Alerting}, true
		}
	case KindInstance:
		if i := x.instances.get(ref.ID); i != nil {
			return subject{ref, i.Name, "", i.Address, []string{i.ID}, &i.Alerting}, true
		}
	}
	return subject{ref: ref}, false
}

// subjectsOf returns the services and instances that a check is linked to, in
// order of kind and id.
func (x *tx) subjectsOf(check string) []Ref {
	var refs []Ref
	for ref := range x.t.subjectsOf[check] {
		if s, ok := x.subject(ref); ok && slices.Contains(s.StatusChecks, check) {
			refs = append(refs, ref)
		}
	}
	look := func(ref Ref) {
		if !x.t.subjectsOf[check][ref] && !slices.Contains(refs, ref) {
			if s, ok := x.subject(ref); ok && slices.Contains(s.StatusChecks, check) {
				refs = append(refs, ref)
			}
		}
	}
	for at := x; at != nil; at = at.parent {
		for id := range at.services.puts {
			look(Ref{KindService, id})
		}
		for id := range at.instances.puts {
			look(Ref{KindInstance, id})
		}
	}
	slices.SortFunc(refs, func(a, b Ref) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) })
	return refs
}

func (x *tx) overall(ref Ref) Status {
	if s := x.subjects.get(ref.key()); s != nil {
		return s.Overall
	}
	return StatusPassing
}
