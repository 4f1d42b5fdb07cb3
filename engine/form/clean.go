package form

import (
	"context"
	"sort"
	"strconv"
)

// Options say what cleaning works with. All of them may be left out.
type Options struct {
	Stored    Values    // what is stored now: kept secrets, disabled and hidden fields come from it
	Seal      Sealing   // needed as soon as a secret is entered
	Callbacks Callbacks // the plugin's own clean functions
	Prefix    string    // put before every location: "config" gives "config.endpoint"
}

// Clean turns what a person or client sent into values to store, or says all
// that is wrong with it. The result shares nothing with raw or o.Stored. A
// complaint about the form as a whole is located at o.Prefix.
//
// A secret that comes back as "", {"set": true} or not at all keeps what is
// stored; null clears it. Clean blocks as long as the callbacks and the sealing do.
func (f Form) Clean(ctx context.Context, raw map[string]any, o Options) (Values, Errors) {
	c := &cleaner{ctx: ctx, callbacks: o.Callbacks, prefix: o.Prefix}
	g := &group{c: c, fields: f.Fields, raw: raw, stored: o.Stored, location: o.Prefix}
	g.clean()
	if len(c.errs) == 0 && c.callbacks != nil {
		c.cleanForm(f, g)
	}
	if len(c.errs) == 0 {
		c.seal(f.Fields, g.out, "", o.Seal)
	}
	if errs := c.sorted(); len(errs) > 0 {
		return nil, errs
	}
	return Values(g.out), nil
}

// Check reports what is wrong with values that are stored already; locations
// are bare field names. Sealed values count as set; the plugin's own clean
// functions are not asked.
func (f Form) Check(stored Values) Errors {
	c := &cleaner{ctx: context.Background()}
	g := &group{c: c, src: fromStore, fields: f.Fields, raw: stored, stored: stored}
	g.clean()
	return c.sorted()
}

// source says where a value that is converted comes from.
type source int

const (
	fromClient source = iota // raw shape
	fromStore                // stored shape
	fromPlugin               // seen shape, returned by a clean function
)

// cleaner is one pass over the values of a form.
type cleaner struct {
	ctx       context.Context
	callbacks Callbacks
	prefix    string
	passed    map[secretAt]bool // for values that a plugin returns: the sealed values it was given
	fresh     Stars             // secrets entered in this pass, masked in what a plugin says
	errs      []ordered
	order     int // of the top-level field in hand, and of the row in it
}

// orderStep leaves room for the rows of a list between two fields.
const orderStep = maxRows + 2

// secretAt is a sealed value at its path: it opens nowhere else.
type secretAt struct {
	path   string
	sealed Sealed
}

type ordered struct {
	order int
	Error
}

func (c *cleaner) complain(location, code, message string) {
	if len(c.errs) < maxErrors {
		c.errs = append(c.errs, ordered{c.order, Error{Location: location, Message: message, Code: code}})
	}
}

// complainForm complains about the form as a whole, after all fields.
func (c *cleaner) complainForm(message string) {
	if len(c.errs) < maxErrors {
		c.errs = append(c.errs, ordered{1 << 30, Error{Location: c.prefix, Message: message, Code: CodeInvalid}})
	}
}

func (c *cleaner) sorted() Errors {
	if len(c.errs) == 0 {
		return nil
	}
	sort.SliceStable(c.errs, func(i, j int) bool { return c.errs[i].order < c.errs[j].order })
	errs := make(Errors, len(c.errs))
	for i, e := range c.errs {
		errs[i] = e.Error
	}
	return errs
}

// group is a set of fields that are cleaned side by side: the form itself, or
// one row of a list.
type group struct {
	c        *cleaner
	src      source
	fields   []Field
	raw      map[string]any
	stored   map[string]any // nil: nothing
	location string         // of the group
	path     string         // the same without row numbers and prefix, "" for the form
	row      bool
	key      string          // row: which stored row it says it was
	lost     map[string]bool // row: columns whose stored secret no row took

	out    map[string]any
	states map[string]state
}

type state int

const (
	pending state = iota
	busy          // being cleaned: a show_if that leads back here is a cycle
	hidden
	failed
	done
)

func (g *group) start() {
	g.out = make(map[string]any, len(g.fields))
	g.states = make(map[string]state, len(g.fields))
}

func (g *group) clean() {
	g.start()
	for i := range g.fields {
		g.settle(i)
	}
	g.unknown()
}

// settle cleans the field of that index once.
func (g *group) settle(i int) state {
	f := &g.fields[i]
	if s := g.states[f.Name]; s != pending {
		return s
	}
	g.states[f.Name] = busy
	shown := g.shown(f)
	if !g.row {
		g.c.order = i * orderStep
	}
	before := len(g.c.errs)
	switch {
	case !shown:
		g.carry(f)
		g.states[f.Name] = hidden
	case f.Disabled:
		g.carry(f)
		g.states[f.Name] = done
	default:
		g.field(f)
		g.states[f.Name] = done
		if len(g.c.errs) > before {
			g.states[f.Name] = failed
		}
	}
	return g.states[f.Name]
}

// carry keeps what is stored; where nothing is, the field stays out of the
// values and reads as its initial.
func (g *group) carry(f *Field) {
	if g.src == fromPlugin {
		g.carryBack(f)
		return
	}
	if v, ok := g.stored[f.Name]; ok {
		g.out[f.Name] = clone(v)
	}
}

// carryBack keeps what a plugin returns for a column that is not cleaned.
func (g *group) carryBack(f *Field) {
	raw := g.raw[f.Name]
	if s, ok := raw.(Sealed); ok {
		g.sealed(f, s)
		return
	}
	if f.empty(raw) || f.Type == List {
		return
	}
	if v, p := f.convert(raw, fromPlugin); p == nil {
		g.out[f.Name] = v
	}
}

func (g *group) unknown() {
	if g.src == fromStore {
		return
	}
	var names []string
	for i := range g.fields {
		names = append(names, g.fields[i].Name)
	}
	for _, key := range unknownKeys(g.raw, names) {
		if g.row && key == RowKey {
			continue
		}
		if len(g.c.errs) >= maxErrors { // looking for near names takes time
			return
		}
		if !g.row {
			g.c.order = len(g.fields) * orderStep
		}
		g.c.complain(join(g.location, printable(key)), CodeUnknown, unknownMessage(key, names))
	}
}

func unknownKeys(raw map[string]any, names []string) []string {
	known := make(map[string]bool, len(names))
	for _, n := range names {
		known[n] = true
	}
	var keys []string
	for key := range raw {
		if !known[key] {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return keys
}

func unknownMessage(key string, names []string) string {
	if near := Nearest(key, names); near != "" {
		return "There is no such field; did you mean " + near + "?"
	}
	return "There is no such field."
}

func (g *group) fail(f *Field, p *fault) {
	g.c.complain(join(g.location, f.Name), p.code, f.message(p))
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

func indexed(location string, i int) string {
	return location + "[" + strconv.Itoa(i) + "]"
}
