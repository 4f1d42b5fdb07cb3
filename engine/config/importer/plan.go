package importer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/config"
	"moonwatch/engine/state"
)

// planItem is one object to be put, or deleted. Secrets in it are sealed.
type planItem struct {
	Kind   engine.Kind     `json:"kind"`
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Data   json.RawMessage `json:"data,omitempty"` // the object; none deletes it
	admin  bool
	needs  []engine.Ref // depends_on
	object any          // what Data is made of
}

// consider compares an object with the one that is stored, and plans to put it
// when they differ. base is the object of defaults that a new one is shown
// against.
func consider[T any](im *importer, kind engine.Kind, name string, next, old, base *T, show func(*exporter, *T) any) {
	change := ImportChange{Action: "create", Kind: kind, Name: name, Fields: []engine.AuditChange{}}
	var before any
	if base != nil {
		before = show(im.before, base)
	}
	if old != nil {
		change.Action, before = "update", show(im.before, old)
	}
	state.Diff("", comparableObject(before), comparableObject(show(im.after, next)), &change.Fields)
	slices.SortFunc(change.Fields, func(a, b engine.AuditChange) int { return cmp.Compare(a.Field, b.Field) })
	switch {
	case old == nil:
		im.report.Created++
	case len(change.Fields) == 0:
		change.Action = "unchanged"
		im.report.Unchanged++
	default:
		im.report.Updated++
	}
	im.report.Changes = append(im.report.Changes, change)
	if change.Action != "unchanged" {
		im.put(kind, name, next)
	}
}

func (im *importer) put(kind engine.Kind, name string, object any) {
	item := planItem{Kind: kind, Name: name, object: object}
	switch v := object.(type) {
	case *engine.User:
		item.ID, item.admin = v.ID, engine.IsAdmin(v)
	case *engine.Rota:
		item.ID = v.ID
	case *engine.PluginSettings:
		item.ID = v.ID
	case *engine.Check:
		item.ID = v.ID
	case *engine.Instance:
		item.ID, item.needs = v.ID, v.DependsOn
	case *engine.Service:
		item.ID, item.needs = v.ID, v.DependsOn
	case *engine.Silence:
		item.ID = v.ID
	case *engine.Settings:
		item.ID = engine.SiteID
	}
	im.plan = append(im.plan, item)
}

// planOrder is the order in which kinds are put, so that what an object refers
// to is there. They are deleted in the reverse order.
func planOrder(kind engine.Kind) int {
	return slices.Index([]engine.Kind{engine.KindUser, engine.KindRota, engine.KindPluginSettings, engine.KindCheck, engine.KindInstance, engine.KindService, engine.KindSilence, engine.KindSettings}, kind)
}

// orderPlan puts what is needed first before what needs it: admins before those
// who are none any more, and what a service depends on before the service. Where
// instances and services need each other, one is put without, and again.
func (im *importer) orderPlan() {
	rank := func(i planItem) int {
		if i.admin {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(im.plan, func(a, b planItem) int {
		return cmp.Or(cmp.Compare(planOrder(a.Kind), planOrder(b.Kind)), cmp.Compare(rank(a), rank(b)))
	})
	first := slices.IndexFunc(im.plan, planItem.subject)
	if first < 0 {
		return
	}
	end := first
	for end < len(im.plan) && im.plan[end].subject() {
		end++
	}
	o := &ordering{now: im.now, items: im.plan[first:end], byRef: map[engine.Ref]int{}, visited: map[int]bool{}, placed: map[engine.Ref]bool{}}
	for i, item := range o.items {
		o.byRef[engine.Ref{Kind: item.Kind, ID: item.ID}] = i
	}
	for i := range o.items {
		o.place(i)
	}
	im.plan = slices.Concat(im.plan[:first], o.out, o.again, im.plan[end:])
}

func (item planItem) subject() bool {
	return item.Kind == engine.KindInstance || item.Kind == engine.KindService
}

// ordering puts services and instances after those they depend on.
type ordering struct {
	now     *state.Configured
	items   []planItem
	byRef   map[engine.Ref]int
	visited map[int]bool
	placed  map[engine.Ref]bool
	out     []planItem
	again   []planItem
}

func (o *ordering) place(i int) {
	if o.visited[i] {
		return
	}
	o.visited[i] = true
	item := o.items[i]
	for _, need := range item.needs {
		if j, planned := o.byRef[need]; planned && need.Kind == item.Kind {
			o.place(j)
		}
	}
	if slices.ContainsFunc(item.needs, o.missing) {
		o.again = append(o.again, item)
		item.object = withoutDeps(item.object, o.missing)
	}
	o.placed[engine.Ref{Kind: item.Kind, ID: item.ID}] = true
	o.out = append(o.out, item)
}

func (o *ordering) missing(r engine.Ref) bool {
	there := o.placed[r] || r.Kind == engine.KindService && o.now.Services[r.ID] != nil || r.Kind == engine.KindInstance && o.now.Instances[r.ID] != nil
	return !there
}

// withoutDeps copies a service or instance without some of its depends_on.
func withoutDeps(object any, gone func(engine.Ref) bool) any {
	switch v := object.(type) {
	case *engine.Service:
		c := *v
		c.DependsOn = slices.DeleteFunc(slices.Clone(v.DependsOn), gone)
		return &c
	case *engine.Instance:
		c := *v
		c.DependsOn = slices.DeleteFunc(slices.Clone(v.DependsOn), gone)
		return &c
	}
	return object
}

// prune plans to delete what is absent from the sections of the document.
func (im *importer) prune() {
	d := im.doc
	listed := map[engine.Key]bool{}
	for kind, ids := range im.ids {
		for _, id := range ids {
			listed[engine.Key{Kind: kind, ID: id}] = true
		}
	}
	drop := func(kind engine.Kind, id, name string) {
		im.deletes = append(im.deletes, planItem{Kind: kind, ID: id, Name: name})
	}
	sections := map[engine.Kind]bool{
		engine.KindService:  d.Services != nil,
		engine.KindInstance: d.Instances != nil,
		engine.KindCheck:    d.Checks != nil,
		engine.KindUser:     d.Users != nil,
		engine.KindRota:     d.Rotas != nil,
	}
	for kind, names := range im.now.Names() {
		for id, name := range names {
			if sections[kind] && !listed[engine.Key{Kind: kind, ID: id}] {
				drop(kind, id, name)
			}
		}
	}
	if d.Silences != nil {
		for id, s := range im.now.Silences {
			if !im.kept[id] {
				drop(engine.KindSilence, id, cmp.Or(s.Comment, "silence"))
			}
		}
	}
	if d.PluginSettings != nil {
		for slug := range im.now.Plugins {
			if !slices.ContainsFunc(d.PluginSettings, func(p config.PluginSettings) bool { return p.Plugin == slug }) {
				drop(engine.KindPluginSettings, slug, slug)
			}
		}
	}
	slices.SortFunc(im.deletes, func(a, b planItem) int {
		return cmp.Or(cmp.Compare(planOrder(b.Kind), planOrder(a.Kind)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	for _, item := range im.deletes {
		im.report.Changes = append(im.report.Changes, ImportChange{"delete", item.Kind, item.Name, []engine.AuditChange{}})
	}
	im.report.Deleted = len(im.deletes)
	im.noteKept()
}

// noteKept says what a prune leaves although it is absent.
func (im *importer) noteKept() {
	var users []string
	for id := range im.kept {
		if u := im.now.Users[id]; u != nil && im.doc.Users != nil && !im.listsUser(id) {
			users = append(users, u.Username)
		}
		if r := im.now.Rotas[id]; r != nil && im.doc.Rotas != nil && !slices.ContainsFunc(im.doc.Rotas, func(d config.Rota) bool { return d.Name == r.Name }) {
			im.note("rotas", "kept", "%s is not in the document and stays: it is the default rota", r.Name)
		}
	}
	slices.Sort(users)
	for _, name := range users {
		im.note("users", "kept", "%s is not in the document and stays: nobody deletes themselves, the last admin or a fallback user", name)
	}
}

// encode makes the plan's data.
func (item *planItem) encode() error {
	if item.object == nil {
		return nil
	}
	data, err := json.Marshal(item.object)
	if err != nil {
		return fmt.Errorf("encode %s %s: %w", item.Kind, item.ID, err)
	}
	item.Data = data
	return nil
}
