package engine

import (
	"strings"
)

// nameKey is what no two objects of a kind share: the name, and of users the
// username in lower case, because people and calendars write it in any.
func nameKey(kind Kind, name string) string {
	if kind == KindUser {
		return strings.ToLower(name)
	}
	return name
}

// unique is the complaint that another object of the kind has the name.
func (x *tx) unique(kind Kind, id, name, location string) error {
	var p problems
	x.checkName(&p, kind, id, name, location)
	return p.err()
}

// checkName complains when another object of the kind has the name.
func (x *tx) checkName(p *problems, kind Kind, id, name, location string) {
	other := ""
	key := nameKey(kind, name)
	if o := x.t.names[kind][key]; o != "" && nameKey(kind, x.nameOf(kind, o)) == key {
		other = o
	}
	if other == "" {
		for o := range tableOf(kind).touched(x) {
			if o != id && nameKey(kind, x.nameOf(kind, o)) == key {
				other = o
			}
		}
	}
	if name != "" && other != "" && other != id {
		p.add(location, "unique", "another %s has this name", words(kind))
	}
}

// nameOf returns the name of an object, "" when it is not there.
func (x *tx) nameOf(kind Kind, id string) string { return tableOf(kind).nameOf(x, id) }
