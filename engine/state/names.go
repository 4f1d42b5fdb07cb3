package state

import (
	"strings"

	"moonwatch/engine"
)

// NameKey is what no two objects of a kind share: the name, and of users the
// username in lower case, because people and calendars write it in any.
func NameKey(kind engine.Kind, name string) string {
	if kind == engine.KindUser {
		return strings.ToLower(name)
	}
	return name
}

// Unique is the complaint that another object of the kind has the name.
func (x *Tx) Unique(kind engine.Kind, id, name, location string) error {
	var p engine.Problems
	x.CheckName(&p, kind, id, name, location)
	return p.Err()
}

// CheckName complains when another object of the kind has the name.
func (x *Tx) CheckName(p *engine.Problems, kind engine.Kind, id, name, location string) {
	other := ""
	key := NameKey(kind, name)
	if o := x.Tables.names[kind][key]; o != "" && NameKey(kind, x.nameOf(kind, o)) == key {
		other = o
	}
	if other == "" {
		for o := range tableOf(kind).touched(x) {
			if o != id && NameKey(kind, x.nameOf(kind, o)) == key {
				other = o
			}
		}
	}
	if name != "" && other != "" && other != id {
		p.Add(location, "unique", "another %s has this name", engine.Words(kind))
	}
}

// nameOf returns the name of an object, "" when it is not there.
func (x *Tx) nameOf(kind engine.Kind, id string) string { return tableOf(kind).nameOf(x, id) }
