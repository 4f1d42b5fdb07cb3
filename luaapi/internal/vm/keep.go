package vm

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/patch"
)

// kept is what the top level of a file made, for the next run of its state. A run
// sees no more of the one before than if the top level had been run anew: Steady
// says that this would make the same again, and whatever the run could reach of it
// is looked at when the run has ended. It is dropped when anything has changed.
type kept struct {
	code     *Code
	env      *lua.LTable
	libs     []*lua.LTable // in front of Lua's own, as in Code.Libs; nil where unused
	top      lua.LValue
	loaded   []loadedModule
	tables   []patch.Snapshot
	upvalues []upvalue
	given    []given // what the host adds to its tables for each run
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

// maxKept is how many values are looked at after a run: of more, running the top
// level anew costs no more. maxSpoilt is how often a file's runs may change
// something until nothing of it is kept any more.
const (
	maxKept   = 512
	maxSpoilt = 8
)

// keep notes what the top level of the run's file has made, nil when that cannot
// be kept.
func (r *Run) keep(top lua.LValue) *kept {
	if !r.code.Steady || r.code.spoilt.Load() >= maxSpoilt {
		return nil
	}
	k := &kept{code: r.code, env: r.env, top: top, loaded: slices.Clone(r.loaded)}
	roots := []lua.LValue{r.env, top}
	for _, m := range k.loaded {
		roots = append(roots, m.value)
	}
	for i, used := range r.code.Libs {
		k.libs = append(k.libs, nil)
		if used {
			front, _ := r.st.Libs.RawGetString(r.st.tools.Libs[i].Name).(*lua.LTable)
			k.libs[i] = front
			roots = append(roots, front)
		}
	}
	if !k.note(roots) {
		r.code.spoilt.Store(maxSpoilt)
		return nil
	}
	return k
}

// note remembers all that the values lead to. It reports false when there is too
// much of it, or something that it cannot look into.
func (k *kept) note(pending []lua.LValue) bool {
	seen, values := map[any]bool{}, 0
	for len(pending) > 0 {
		v := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if values++; values > maxKept {
			return false
		}
		switch v := v.(type) {
		case *lua.LNilType, lua.LBool, lua.LNumber, lua.LString:
		case *lua.LTable:
			if seen[v] {
				continue
			}
			seen[v] = true
			if meta, ok := v.Metatable.(*lua.LTable); ok && !luaval.Hidden(meta) {
				return false
			}
			s := patch.TakeSnapshot(v)
			k.tables = append(k.tables, s)
			if values += s.Len(); values > maxKept {
				return false
			}
			pending = slices.AppendSeq(pending, s.Values)
		case *lua.LFunction:
			if v.IsG || seen[v] { // Go's are shared and hold nothing
				continue
			}
			seen[v] = true
			if v.Env != k.env {
				return false
			}
			for _, up := range v.Upvalues {
				if up == nil || seen[up] {
					continue
				}
				seen[up] = true
				k.upvalues = append(k.upvalues, upvalue{up, up.Value()})
				pending = append(pending, up.Value())
			}
		default:
			return false
		}
	}
	return true
}

// Give sets an entry of a table for this run alone.
func (r *Run) Give(t *lua.LTable, key string, v lua.LValue) {
	if k := r.st.kept; k != nil && !slices.ContainsFunc(k.given, func(g given) bool { return g.table == t && g.key == key }) {
		k.given = append(k.given, given{table: t, key: key})
	}
	t.RawSetString(key, v)
}

// unchanged takes back what the host gave, and reports whether all is as the top
// level has made it.
func (k *kept) unchanged() bool {
	for i := range k.tables {
		s, added := &k.tables[i], 0
		for g := range k.given {
			if k.given[g].table == s.Of() && s.Reset(k.given[g].key) {
				added++
			}
		}
		if !s.Holds(added) {
			return false
		}
	}
	for _, u := range k.upvalues {
		if u.of.Value() != u.value {
			return false
		}
	}
	return true
}

// keepOrDrop decides on what is kept after a run.
func (st *State) keepOrDrop() {
	if k := st.kept; k != nil && !k.unchanged() {
		k.code.spoilt.Add(1)
		st.kept = nil
	}
}

// restore puts what is kept of a code in place, and returns its environment; nil
// when there is none.
func (st *State) restore(c *Code) *lua.LTable {
	k := st.kept
	if k == nil || k.code != c {
		st.kept = nil
		return nil
	}
	st.used = c.Libs
	for i, front := range k.libs {
		if front != nil {
			st.putLibrary(i, front)
		}
	}
	return k.env
}
