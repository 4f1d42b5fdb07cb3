package binding

import (
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/luaval"
)

// maxFast bounds the checks, of all plugins together, whose plain fields are
// also kept as a table for Lua: reading that is three times as quick as calling
// a function, but it takes about a kilobyte, and a check's values that are tables
// one more each. Further checks do without.
const maxFast = 8192

// fastInterval is the longest interval at which a check is worth such a table.
const fastInterval = 15 * time.Second

// Quicken builds the metatable of a check object that finds plain fields
// without a call. It is read by many states at once and never written again.
// Behind what the check alone has stands a table that it shares with others.
func (x *Binder) Quicken(b *Binding, check *engine.Check) {
	if b.Problem != nil || check.Interval.Std() > fastInterval {
		return
	}
	if x.fast.Add(1) > maxFast {
		x.ForgetFast()
		return
	}
	b.Keep(x.Shared, maxShared)
	plain, rest := make(map[string]lua.LValue, 2+len(b.own)), x.Shared.checkRest
	if b.hidesUsual() {
		for i, name := range b.layout.names {
			setPlain(plain, name, b.plain(i))
		}
		commonOf(check).set(plain)
	} else {
		for _, own := range b.own {
			setPlain(plain, b.layout.names[own.at], own.v)
		}
		rest = b.layout.plain.behind(b.layout, commonOf(check), x.Shared)
	}
	plain["id"], plain["name"] = lua.LString(check.ID), lua.LString(check.Name)
	b.quick = luaval.HiddenTable(map[string]lua.LValue{
		"__index":    luaval.LookUp(plain, rest),
		"__newindex": x.Shared.checkWrite,
	})
}

// ForgetFast counts one binding less.
func (x *Binder) ForgetFast() { x.fast.Add(-1) }

// hidesUsual reports whether a field that has a usual value shows nothing, or what
// each run makes: a table cannot say that, and the usual value would show behind it.
func (b *Binding) hidesUsual() bool {
	for _, own := range b.own {
		if own.v == lua.LNil {
			return true
		}
	}
	for _, seen := range b.compound {
		if usual := b.layout.usual[seen.at]; usual != nil && usual != lua.LNil {
			return true
		}
	}
	return false
}

// setPlain enters a field; one that is nothing is left out, and found to be nothing.
func setPlain(plain map[string]lua.LValue, name string, v lua.LValue) {
	if v != nil && v != lua.LNil {
		plain[name] = v
	}
}

// common are the fields of a check that are the same for many.
type common struct {
	importance        engine.Status
	interval, timeout engine.Duration
	active            bool
}

func commonOf(c *engine.Check) common { return common{c.Importance, c.Interval, c.Timeout, c.Active} }

func (c common) set(plain map[string]lua.LValue) {
	plain["importance"] = lua.LString(c.importance)
	plain["interval"] = lua.LNumber(c.interval.Std().Seconds())
	plain["timeout"] = lua.LNumber(c.timeout.Std().Seconds())
	plain["active"] = lua.LBool(c.active)
}

// plainFields are tables of the usual values of a layout, each with the fields that
// many checks have in common. Its zero value is ready.
type plainFields struct {
	mu sync.Mutex // guards by
	by map[common]*lua.LTable
}

// maxCommon bounds the tables that are shared; a check that is further apart has one
// of its own.
const maxCommon = 64

// behind is the metatable that leads to the usual values of a layout and to c.
func (p *plainFields) behind(l *Layout, c common, shared *Shared) *lua.LTable {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.by[c]; t != nil {
		return t
	}
	plain := make(map[string]lua.LValue, 4+len(l.names))
	for i, name := range l.names {
		setPlain(plain, name, l.usual[i])
	}
	c.set(plain)
	t := luaval.HiddenTable(map[string]lua.LValue{"__index": luaval.LookUp(plain, shared.checkRest)})
	if p.by == nil {
		p.by = map[common]*lua.LTable{}
	}
	if len(p.by) < maxCommon {
		p.by[c] = t
	}
	return t
}
