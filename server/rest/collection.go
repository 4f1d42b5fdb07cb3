package rest

import (
	"net/http"
	"reflect"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// Collection serves one kind of configured object: list, create, read, change,
// delete. In is what clients write, View what they read.
type Collection[In, View any] struct {
	Kind     engine.Kind
	Plural   string // in paths
	One      string // "a check"
	Read     access.Role
	Write    access.Role
	Change   access.Role // for PATCH, when the handler looks closer; "" is write
	Required []string
	Derived  []string // fields of In that the server alone sets
	Note     string   // on writes
	Extra    []Param
	Order    string

	Fresh  func() In
	Get    func(c *Call, id string) (View, error)
	All    func(c *Call) ([]View, error)
	Fill   func(c *Call, v View) View // completes an item of a page; nil: nothing is missing
	Stored func(c *Call, id string) (in In, revision uint64, err error)
	// save creates (id "") or replaces the revision given, and returns the id.
	Save func(c *Call, id string, revision uint64, in In) (string, error)
	// Validate says what Save would refuse, and changes nothing.
	Validate func(c *Call, id string, revision uint64, in In) error

	Remove func(c *Call, id string, revision *uint64) error
	Create func(c *Call, in In) (Answer, error) // nil: save and get
	Meta   func(v *View) *engine.Meta

	Output func(Shapes) *Shape // of create, when it differs
}

// PatchTries is how often a change made meanwhile is looked at again.
const PatchTries = 5

// Routes are those of the collection.
func (k *Collection[In, View]) Routes(known Shapes) []*Route {
	view, input := ShapeOf[View](known), ShapeOf[In](known)
	ignored := ReadOnly(input, view)
	for _, name := range k.Derived {
		ignored[name] = true
	}
	change := k.Change
	if change == "" {
		change = k.Write
	}
	spec := ListSpec{Item: view, Extra: k.Extra, Order: k.Order}
	created := view
	if k.Output != nil {
		created = k.Output(known)
	}
	path := "/" + k.Plural
	return []*Route{
		{Method: "GET", Path: path, Role: k.Read, Tag: k.Plural, Summary: "List " + k.Plural, Output: view, List: true, Params: spec.Params(),
			Handle: func(c *Call) (Answer, error) { return k.list(c, spec) }},
		{Method: "POST", Path: path, Role: k.Write, Tag: k.Plural, Summary: "Create " + k.One, Note: k.Note, Input: input, Required: k.Required,
			Ignored: ignored, Output: created, Status: http.StatusCreated, Tagged: true, Handle: k.post},
		{Method: "GET", Path: path + "/{id}", Role: k.Read, Tag: k.Plural, Summary: "Read " + k.One, Output: view, Tagged: true, Handle: k.show},
		{Method: "PATCH", Path: path + "/{id}", Role: change, Tag: k.Plural, Summary: "Change " + k.One,
			Note:  "Replaces the top-level fields that the body names. " + k.Note,
			Input: input, Ignored: ignored, Output: view, Tagged: true, Handle: k.patch},
		{Method: "DELETE", Path: path + "/{id}", Role: k.Write, Tag: k.Plural, Summary: "Delete " + k.One, Status: http.StatusNoContent,
			Tagged: true, Handle: k.delete},
	}
}

// ReadOnly are the fields that clients read and never write: they are ignored
// in a body, so that what was read can be sent back.
func ReadOnly(input, view *Shape) map[string]bool {
	out := map[string]bool{}
	for _, f := range view.Fields {
		if in := input.field(f.Name); in == nil || in.Fixed {
			out[f.Name] = true
		}
	}
	return out
}

func (k *Collection[In, View]) list(c *Call, spec ListSpec) (Answer, error) {
	l, err := spec.Parse(c)
	if err != nil {
		return Answer{}, err
	}
	all, err := k.All(c)
	if err != nil {
		return Answer{}, err
	}
	items, next := Page(l, all, func(v *View) string { return k.Meta(v).ID })
	if k.Fill != nil {
		for i := range items {
			items[i] = k.Fill(c, items[i])
		}
	}
	return Answer{Body: PageView[View]{items, next}}, nil
}

func (k *Collection[In, View]) show(c *Call) (Answer, error) { return k.Answer(c, c.ID()) }

// Answer gives the object as it is now.
func (k *Collection[In, View]) Answer(c *Call, id string) (Answer, error) {
	v, err := k.Get(c, id)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Body: v, ETag: &k.Meta(&v).Revision}, nil
}

func (k *Collection[In, View]) post(c *Call) (Answer, error) {
	in := k.Fresh()
	if err := c.Decode(&in); err != nil {
		return Answer{}, AlsoWrong(err, k.Validate(c, "", 0, in))
	}
	if k.Create != nil {
		return k.Create(c, in)
	}
	id, err := k.Save(c, "", 0, in)
	if err != nil {
		return Answer{}, err
	}
	a, err := k.Answer(c, id)
	a.Location = k.Address(id)
	return a, err
}

// Address is where one object is served.
func (k *Collection[In, View]) Address(id string) string { return Root + "/" + k.Plural + "/" + id }

// patch lays the body over what is stored. A client that sends no If-Match does
// not mind changes to other fields made meanwhile.
func (k *Collection[In, View]) patch(c *Call) (Answer, error) {
	id := c.ID()
	var err error
	for range PatchTries {
		var in In
		var revision uint64
		if in, revision, err = k.Stored(c, id); err != nil {
			return Answer{}, err
		}
		match, wrong := c.IfMatch(revision)
		if wrong != nil {
			return Answer{}, wrong
		}
		if err := c.Decode(&in); err != nil {
			return Answer{}, AlsoWrong(err, k.Validate(c, id, revision, in))
		}
		if _, err = k.Save(c, id, revision, in); err == nil {
			return k.Answer(c, id)
		}
		if engine.KindOf(err) != engine.Stale || match != nil {
			return Answer{}, err
		}
	}
	return Answer{}, err
}

func (k *Collection[In, View]) delete(c *Call) (Answer, error) {
	id := c.ID()
	v, err := k.Get(c, id)
	if err != nil {
		return Answer{}, err
	}
	match, err := c.IfMatch(k.Meta(&v).Revision)
	if err != nil {
		return Answer{}, err
	}
	return Answer{}, k.Remove(c, id, match)
}

// EmptyLists replaces nil lists and maps of a struct by empty ones, at its top
// level: clients never see null in place of a list.
func EmptyLists(v any) {
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
