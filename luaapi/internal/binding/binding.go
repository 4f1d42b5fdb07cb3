package binding

import (
	"context"
	"reflect"
	"slices"
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
	own      []fieldValue // what differs from the layout's usual values, in order
	compound []fieldSeen  // of what each run makes tables of its own
	Secrets  []string
	Problem  error       // the stored values cannot be read
	quick    *lua.LTable // metatable of the check object; nil: the state\'s own
	kept     bool        // it lasts for many runs, which may share the table of all values
	all      atomic.Pointer[lua.LTable]
}

// fieldSeen is the seen value of the config field at an index.
type fieldSeen struct {
	at int
	v  any
}

// Layout is where the fields of a form stand in its bindings.
type Layout struct {
	form  form.Form
	what  string // how errors call its tables
	names []string
	at    map[string]int
	meta  *lua.LTable  // of the tables that show all values
	empty []lua.LValue // by field: the table of a value that holds nothing, else nil
	usual []lua.LValue // by field: what one that was never filled in shows; nil: that needs a table of its own
	plain plainFields
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
	l.usual = make([]lua.LValue, len(f.Fields))
	if seen, err := f.Seen(form.Values{}, nil); err == nil {
		for i, name := range l.names {
			l.usual[i] = l.shared(i, seen[name])
		}
	}
	return l
}

// shared is the Lua value of a seen one of field i that all bindings may share, nil
// where it is a table that holds something.
func (l *Layout) shared(i int, v any) lua.LValue {
	if plain, ok := scalar(v); ok {
		return plain
	}
	if l.empty[i] != nil && IsEmpty(v) {
		return l.empty[i]
	}
	return nil
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
	for i, name := range l.names {
		f := &l.form.Fields[i]
		v := seen[name]
		if f.Env != "" && Unset(stored[name]) {
			v = x.fromEnv(f, v)
		}
		b.Secrets = append(b.Secrets, secretsIn(f, v)...)
		if plain := l.shared(i, v); plain == nil {
			b.compound = append(b.compound, fieldSeen{i, v})
		} else if plain != l.usual[i] {
			b.own = append(b.own, fieldValue{i, plain})
		}
	}
	b.own = slices.Clip(b.own)
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

// plain is the Lua value of field i that all runs share; nil where each run makes a
// table of its own.
func (b *Binding) plain(i int) lua.LValue {
	for _, own := range b.own {
		if own.at == i {
			return own.v
		}
	}
	for _, seen := range b.compound {
		if seen.at == i {
			return nil
		}
	}
	return b.layout.usual[i]
}

// value is the Lua value of field i.
func (b *Binding) value(shared *Shared, i int) lua.LValue {
	if v := b.plain(i); v != nil {
		return v
	}
	for _, seen := range b.compound {
		if seen.at == i {
			return b.frozen(shared, seen)
		}
	}
	return lua.LNil
}

// frozen makes the table of a value.
func (b *Binding) frozen(shared *Shared, seen fieldSeen) lua.LValue {
	return frozen(shared, b.layout.what+"."+b.layout.names[seen.at], seen.v)
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
	t := luaval.NewRecord(len(b.layout.names))
	for i, name := range b.layout.names {
		if v := value(i); v != lua.LNil {
			t.RawSetString(name, v)
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
	for _, seen := range b.compound {
		tables -= tablesIn(seen.v)
	}
	if tables < 0 {
		return
	}
	for _, seen := range b.compound {
		b.own = append(b.own, fieldValue{seen.at, b.frozen(shared, seen)})
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
