package snapshot

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/patch"
)

// Snapshot is what some values led to when it was taken. It belongs to one
// goroutine at a time, as the values do.
type Snapshot struct {
	tables   []patch.Snapshot
	upvalues []upvalue
	given    []given
}

type upvalue struct {
	of    *lua.Upvalue
	value lua.LValue
}

// given is an entry of a table that the host sets for each run.
type given struct {
	table *lua.LTable
	key   string
}

// Take notes all that the values lead to. It returns nil when there is more than
// most values, or something that it cannot look into: an object, a coroutine, a
// metatable of the plugin's own, a function of another environment than env.
func Take(env *lua.LTable, most int, values ...lua.LValue) *Snapshot {
	s, seen := &Snapshot{}, map[any]bool{}
	pending := append([]lua.LValue{env}, values...)
	for n := 0; len(pending) > 0; n++ {
		v := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if n+len(pending) > most {
			return nil
		}
		switch v := v.(type) {
		case *lua.LNilType, lua.LBool, lua.LNumber, lua.LString:
		case *lua.LTable:
			if seen[v] {
				continue
			}
			seen[v] = true
			if meta, ok := v.Metatable.(*lua.LTable); ok && !luaval.Hidden(meta) {
				return nil
			}
			table := patch.TakeSnapshot(v)
			s.tables = append(s.tables, table)
			pending = slices.AppendSeq(pending, table.Values)
		case *lua.LFunction:
			if v.IsG || seen[v] { // Go's are shared and hold nothing
				continue
			}
			seen[v] = true
			if v.Env != env {
				return nil
			}
			for _, up := range v.Upvalues {
				if up != nil && !seen[up] {
					seen[up] = true
					s.upvalues = append(s.upvalues, upvalue{up, up.Value()})
					pending = append(pending, up.Value())
				}
			}
		default:
			return nil
		}
	}
	return s
}

// Give notes an entry that the host sets in a table of the snapshot: Unchanged
// takes it back.
func (s *Snapshot) Give(t *lua.LTable, key string) {
	if g := (given{t, key}); !slices.Contains(s.given, g) {
		s.given = append(s.given, g)
	}
}

// Unchanged takes back what the host gave, and reports whether all is as it was.
func (s *Snapshot) Unchanged() bool {
	for i := range s.tables {
		table, added := &s.tables[i], 0
		for _, g := range s.given {
			if g.table == table.Of() && table.Reset(g.key) {
				added++
			}
		}
		if !table.Holds(added) {
			return false
		}
	}
	for _, u := range s.upvalues {
		if u.of.Value() != u.value {
			return false
		}
	}
	return true
}
