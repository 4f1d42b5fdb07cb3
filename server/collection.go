package server

import (
	"net/http"
	"reflect"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// collection serves one kind of configured object: list, create, read, change,
// delete. In is what clients write, View what they read.
type collection[In, View any] struct {
	kind     engine.Kind
	plural   string // in paths
	one      string // "a check"
	read     access.Role
	write    access.Role
	change   access.Role // for PATCH, when the handler looks closer; "" is write
	required []string
	derived  []string // fields of In that the server alone sets
	note     string   // on writes
	extra    []param
	order    string

	fresh  func() In
	get    func(c *call, id string) (View, error)
	all    func(c *call) ([]View, error)
	fill   func(c *call, v View) View // completes an item of a page; nil: nothing is missing
	stored func(c *call, id string) (in In, revision uint64, err error)
	// save creates (id "") or replaces the revision given, and returns the id.
	save   func(c *call, id string, revision uint64, in In) (string, error)
	remove func(c *call, id string, revision *uint64) error
	create func(c *call, in In) (answer, error) // nil: save and get
	meta   func(v *View) *engine.Meta

	output func(shapes) *shape // of create, when it differs
}

// patchTries is how often a change made meanwhile is looked at again.
const patchTries = 5

// routes are those of the collection.
func (k *collection[In, View]) routes(known shapes) []*route {
	view, input := shapeOf[View](known), shapeOf[In](known)
	ignored := readOnly(input, view)
	for _, name := range k.derived {
		ignored[name] = true
	}
	change := k.change
	if change == "" {
		change = k.write
	}
	spec := listSpec{item: view, extra: k.extra, order: k.order}
	created := view
	if k.output != nil {
		created = k.output(known)
	}
	path := "/" + k.plural
	return []*route{
		{method: "GET", path: path, role: k.read, tag: k.plural, summary: "List " + k.plural, output: view, list: true, params: spec.params(),
			handle: func(c *call) (answer, error) { return k.list(c, spec) }},
		{method: "POST", path: path, role: k.write, tag: k.plural, summary: "Create " + k.one, note: k.note, input: input, required: k.required,
			ignored: ignored, output: created, status: http.StatusCreated, tagged: true, handle: k.post},
		{method: "GET", path: path + "/{id}", role: k.read, tag: k.plural, summary: "Read " + k.one, output: view, tagged: true, handle: k.show},
		{method: "PATCH", path: path + "/{id}", role: change, tag: k.plural, summary: "Change " + k.one,
			note:  "Replaces the top-level fields that the body names. " + k.note,
			input: input, ignored: ignored, output: view, tagged: true, handle: k.patch},
		{method: "DELETE", path: path + "/{id}", role: k.write, tag: k.plural, summary: "Delete " + k.one, status: http.StatusNoContent,
			tagged: true, handle: k.delete},
	}
}

// readOnly are the fields that clients read and never write: they are ignored
// in a body, so that what was read can be sent back.
func readOnly(input, view *shape) map[string]bool {
	out := map[string]bool{}
	for _, f := range view.fields {
		if in := input.field(f.name); in == nil || in.fixed {
			out[f.name] = true
		}
	}
	return out
}

func (k *collection[In, View]) list(c *call, spec listSpec) (answer, error) {
	l, err := spec.parse(c)
	if err != nil {
		return answer{}, err
	}
	all, err := k.all(c)
	if err != nil {
		return answer{}, err
	}
	items, next := page(l, all, func(v *View) string { return k.meta(v).ID })
	if k.fill != nil {
		for i := range items {
			items[i] = k.fill(c, items[i])
		}
	}
	return answer{body: pageView[View]{items, next}}, nil
}

func (k *collection[In, View]) show(c *call) (answer, error) { return k.answer(c, c.id()) }

// answer gives the object as it is now.
func (k *collection[In, View]) answer(c *call, id string) (answer, error) {
	v, err := k.get(c, id)
	if err != nil {
		return answer{}, err
	}
	return answer{body: v, etag: &k.meta(&v).Revision}, nil
}

func (k *collection[In, View]) post(c *call) (answer, error) {
	in := k.fresh()
	if err := c.decode(&in); err != nil {
		return answer{}, c.alsoWrong(err, func(c *call) error {
			if k.create != nil {
				_, err := k.create(c, in)
				return err
			}
			_, err := k.save(c, "", 0, in)
			return err
		})
	}
	if k.create != nil {
		return k.create(c, in)
	}
	id, err := k.save(c, "", 0, in)
	if err != nil {
		return answer{}, err
	}
	a, err := k.answer(c, id)
	a.location = k.address(id)
	return a, err
}

func (k *collection[In, View]) address(id string) string { return apiRoot + "/" + k.plural + "/" + id }

// patch lays the body over what is stored. A client that sends no If-Match does
// not mind changes to other fields made meanwhile.
func (k *collection[In, View]) patch(c *call) (answer, error) {
	id := c.id()
	var err error
	for range patchTries {
		var in In
		var revision uint64
		if in, revision, err = k.stored(c, id); err != nil {
			return answer{}, err
		}
		match, wrong := c.ifMatch(revision)
		if wrong != nil {
			return answer{}, wrong
		}
		if err := c.decode(&in); err != nil {
			return answer{}, c.alsoWrong(err, func(c *call) error { _, err := k.save(c, id, revision, in); return err })
		}
		if _, err = k.save(c, id, revision, in); err == nil {
			return k.answer(c, id)
		}
		if engine.KindOf(err) != engine.Stale || match != nil {
			return answer{}, err
		}
	}
	return answer{}, err
}

func (k *collection[In, View]) delete(c *call) (answer, error) {
	id := c.id()
	v, err := k.get(c, id)
	if err != nil {
		return answer{}, err
	}
	match, err := c.ifMatch(k.meta(&v).Revision)
	if err != nil {
		return answer{}, err
	}
	return answer{}, k.remove(c, id, match)
}

// emptyLists replaces nil lists and maps of a struct by empty ones, at its top
// level: clients never see null in place of a list.
func emptyLists(v any) {
	fillEmpty(reflect.ValueOf(v).Elem())
}

func fillEmpty(v reflect.Value) {
	for i := range v.NumField() {
		f, t := v.Field(i), v.Type().Field(i)
		switch {
		case t.Anonymous && f.Kind() == reflect.Struct:
			fillEmpty(f)
		case !t.IsExported() || f.Kind() != reflect.Slice && f.Kind() != reflect.Map || !f.IsNil():
		case f.Kind() == reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		default:
			f.Set(reflect.MakeMap(f.Type()))
		}
	}
}
