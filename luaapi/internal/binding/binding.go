package binding

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/lualib"
)

// Binding is one form's values, ready for Lua. It is immutable; its tables are
// frozen, so that all runs can share them.
type Binding struct {
	layout   *Layout
	plain    []lua.LValue // by field; nil where each run makes a table of its own
	compound []any        // of those; nil when there are none
	Secrets  []string
	Problem  error       // the stored values cannot be read
	quick    *lua.LTable // metatable of the check object; nil: the state\'s own
	kept     bool        // it lasts for many runs, which may share the table of all values
	all      atomic.Pointer[lua.LTable]
}

// Layout is where the fields of a form stand in its bindings.
type Layout struct {
	form  form.Form
	what  string // how errors call its tables
	names []string
	at    map[string]int
	meta  *lua.LTable  // of the tables that show all values
	empty []lua.LValue // by field: the table of a value that holds nothing, else nil
}

// NewLayout lays out a form whose tables are called what in errors.
func NewLayout(f form.Form, what string) *Layout {
	l := &Layout{form: f, what: what, at: make(map[string]int, len(f.Fields)), empty: make([]lua.LValue, len(f.Fields))}
	for i := range f.Fields {
		name := f.Fields[i].Name
		l.names = append(l.names, name)
		l.at[name] = i
		switch f.Fields[i].Type {
		case form.List, form.ChoiceMany, form.KeyValue:
			l.empty[i] = lualib.Freeze(what+"."+name, luaval.NewTable())
		}
	}
	l.meta = luaval.Strict(what, l.names)
	return l
}

// IsEmpty reports whether a seen value is one of several things and holds none.
func IsEmpty(v any) bool {
	switch v := v.(type) {
	case form.KeyValues:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// Opener opens sealed secrets; engine.Sealer is one.
type Opener interface {
	Open(object, field string, sealed form.Sealed) ([]byte, error)
}

// Binder binds the stored values of forms for Lua.
type Binder struct {
	Opener Opener // nil: every secret reads as unset
	Env    func(name string) (string, bool)
	Shared *Shared
	fast   atomic.Int64 // bindings that have a table for Lua
}

// Bind reads stored values as a plugin sees them. object is the id under which
// their secrets were sealed.
func (x *Binder) Bind(l *Layout, object string, stored form.Values) *Binding {
	b := &Binding{layout: l}
	opened := func(path string, sealed form.Sealed) ([]byte, error) {
		if x.Opener == nil {
			return nil, ErrNoKey
		}
		plain, err := x.Opener.Open(object, path, sealed)
		return plain, err
	}
	seen, err := l.form.Seen(stored, opened)
	if err != nil {
		b.Problem = err
		return b
	}
	b.plain = make([]lua.LValue, len(l.names))
	for i, name := range l.names {
		f := &l.form.Fields[i]
		v := seen[name]
		if f.Env != "" && Unset(stored[name]) {
			v = x.fromEnv(f, v)
		}
		b.Secrets = append(b.Secrets, secretsIn(f, v)...)
		plain, ok := scalar(v)
		if ok {
			b.plain[i] = plain
			continue
		}
		if empty := l.empty[i]; empty != nil && IsEmpty(v) {
			b.plain[i] = empty
			continue
		}
		if b.compound == nil {
			b.compound = make([]any, len(l.names))
		}
		b.compound[i] = v
	}
	return b
}

// Unset reports whether nobody filled in a stored value.
func Unset(v any) bool { return v == nil || v == "" }

// fromEnv is the field's value from its environment variable, else otherwise.
func (x *Binder) fromEnv(f *form.Field, otherwise any) any {
	text, ok := x.Env(f.Env)
	if !ok || text == "" {
		return otherwise
	}
	one := *f
	one.Required, one.HasClean, one.ShowIf, one.Widget = false, false, nil, ""
	alone := form.Form{Fields: []form.Field{one}}
	values, errs := alone.Clean(context.Background(), map[string]any{f.Name: text}, form.Options{})
	if len(errs) > 0 {
		return otherwise
	}
	seen, err := alone.Seen(values, nil)
	if err != nil {
		return otherwise
	}
	return seen[f.Name]
}

// secretsIn lists the secret texts inside a value.
func secretsIn(f *form.Field, v any) []string {
	if f.Type == form.List {
		var all []string
		rows, _ := v.([]any)
		for _, row := range rows {
			cells, _ := row.(map[string]any)
			for i := range f.Fields {
				all = append(all, secretsIn(&f.Fields[i], cells[f.Fields[i].Name])...)
			}
		}
		return all
	}
	if !f.Secret() {
		return nil
	}
	return Texts(v)
}

// Texts lists the texts inside a secret value.
func Texts(v any) []string {
	var all []string
	switch v := v.(type) {
	case string:
		all = append(all, v)
	case form.KeyValues:
		for _, p := range v {
			all = append(all, Texts(p.Value)...)
		}
	case []any:
		for _, item := range v {
			all = append(all, Texts(item)...)
		}
	case map[string]any:
		for _, item := range v {
			all = append(all, Texts(item)...)
		}
	}
	return all
}

// value is the Lua value of field i.
func (b *Binding) value(shared *Shared, i int) lua.LValue {
	if v := b.plain[i]; v != nil {
		return v
	}
	return frozen(shared, b.layout.what+"."+b.layout.names[i], b.compound[i])
}

// Table is a table of all values. Reading a name that is no field raises, and so
// does a write.
func (b *Binding) Table(shared *Shared) *lua.LTable {
	return b.tableOf(func(i int) lua.LValue { return b.value(shared, i) })
}

// tableOf is table with the values that value gives; what lasts is made once.
func (b *Binding) tableOf(value func(i int) lua.LValue) *lua.LTable {
	if t := b.all.Load(); t != nil {
		return t
	}
	t := luaval.NewRecord(len(b.plain))
	for i := range b.plain {
		if v := value(i); v != lua.LNil {
			t.RawSetString(b.layout.names[i], v)
		}
	}
	t.Metatable = b.layout.meta
	shown := lualib.Freeze(b.layout.what, t)
	if b.kept && b.compound == nil {
		b.all.Store(shown)
	}
	return shown
}

// maxShared bounds the tables of a check's values that its runs share: one takes
// about a kilobyte. Where there are more, each run makes those that it reads.
const maxShared = 16

// Keep prepares a binding for many runs.
func (b *Binding) Keep(shared *Shared, tables int) {
	b.kept = true
	for _, v := range b.compound {
		tables -= tablesIn(v)
	}
	if tables < 0 {
		return
	}
	for i, v := range b.compound {
		if b.plain[i] == nil {
			b.plain[i] = frozen(shared, b.layout.what+"."+b.layout.names[i], v)
		}
	}
	b.compound = nil
}

// Bindings caches what was bound, by the identity of what was bound from.
type Bindings struct {
	mu sync.Mutex // guards by
	by map[string]boundCheck
}

type boundCheck struct {
	check *engine.Check
	bound *Binding
}

// maxFast bounds the checks, of all plugins together, whose plain fields are
// also kept as a table for Lua: reading that is three times as quick as calling
// a function, but it takes about 2 KB, and a check's values that are tables one
// more each. Further checks do without.
const maxFast = 8192

// fastInterval is the longest interval at which a check is worth such a table.
const fastInterval = 15 * time.Second

// Quicken builds the metatable of a check object that finds plain fields
// without a call. It is read by many states at once and never written again.
func (x *Binder) Quicken(b *Binding, check *engine.Check) {
	if b.Problem != nil || check.Interval.Std() > fastInterval {
		return
	}
	if x.fast.Add(1) > maxFast {
		x.ForgetFast()
		return
	}
	b.Keep(x.Shared, maxShared)
	plain := make(map[string]lua.LValue, 6+len(b.layout.names))
	set := func(name string, v lua.LValue) {
		if v != nil && v != lua.LNil {
			plain[name] = v
		}
	}
	set("id", lua.LString(check.ID))
	set("name", lua.LString(check.Name))
	set("importance", lua.LString(check.Importance))
	set("interval", lua.LNumber(check.Interval.Std().Seconds()))
	set("timeout", lua.LNumber(check.Timeout.Std().Seconds()))
	set("active", lua.LBool(check.Active))
	for i, name := range b.layout.names {
		set(name, b.plain[i])
	}
	b.quick = luaval.HiddenTable(map[string]lua.LValue{
		"__index":    luaval.LookUp(plain, x.Shared.checkRest),
		"__newindex": x.Shared.checkWrite,
	})
}

// ForgetFast counts one binding less.
func (x *Binder) ForgetFast() { x.fast.Add(-1) }

// maxBound bounds the checks of one version that are kept bound. One takes a
// few hundred bytes.
const maxBound = 200_000

// Check returns the binding of a check's config; checks are immutable, so that
// the pointer tells whether it is still the same.
func (c *Bindings) Check(check *engine.Check, bind func() *Binding, dropped func()) *Binding {
	c.mu.Lock()
	kept, ok := c.by[check.ID]
	c.mu.Unlock()
	if ok && kept.check == check {
		return kept.bound
	}
	b := bind()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]boundCheck{}
	}
	if _, ok := c.by[check.ID]; !ok && len(c.by) >= maxBound {
		for id, one := range c.by { // any one
			if one.bound.quick != nil {
				dropped()
			}
			delete(c.by, id)
			break
		}
	}
	if old := c.by[check.ID].bound; old != nil && old.quick != nil {
		dropped()
	}
	c.by[check.ID] = boundCheck{check, b}
	return b
}

// Release gives back what the checks of a version that ended were counted for.
func (c *Bindings) Release(dropped func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.by {
		if one.bound.quick != nil {
			dropped()
		}
	}
	c.by = nil
}

// BoundSettings is the last settings that a version was run with.
type BoundSettings struct {
	Values form.Values // kept, so that its address cannot be used again
	Bound  *Binding
	At     time.Time
}

// EnvFreshness is how long settings that may come from the environment are kept.
const EnvFreshness = 10 * time.Second

func SameMap(a, b form.Values) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}
