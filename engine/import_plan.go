package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"moonwatch/engine/config"
)

// planItem is one object to be put, or deleted. Secrets in it are sealed.
type planItem struct {
	Kind   Kind            `json:"kind"`
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Data   json.RawMessage `json:"data,omitempty"` // the object; none deletes it
	admin  bool
	needs  []Ref // depends_on
	object any   // what Data is made of
}

// consider compares an object with the one that is stored, and plans to put it
// when they differ. base is the object of defaults that a new one is shown
// against.
func consider[T any](im *importer, kind Kind, name string, next, old, base *T, show func(*exporter, *T) any) {
	change := ImportChange{Action: "create", Kind: kind, Name: name, Fields: []AuditChange{}}
	var before any
	if base != nil {
		before = show(im.before, base)
	}
	if old != nil {
		change.Action, before = "update", show(im.before, old)
	}
	diff("", comparableObject(before), comparableObject(show(im.after, next)), &change.Fields)
	slices.SortFunc(change.Fields, func(a, b AuditChange) int { return cmp.Compare(a.Field, b.Field) })
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

func (im *importer) put(kind Kind, name string, object any) {
	item := planItem{Kind: kind, Name: name, object: object}
	switch v := object.(type) {
	case *User:
		item.ID, item.admin = v.ID, isAdmin(v)
	case *Rota:
		item.ID = v.ID
	case *PluginSettings:
		item.ID = v.ID
	case *Check:
		item.ID = v.ID
	case *Instance:
		item.ID, item.needs = v.ID, v.DependsOn
	case *Service:
		item.ID, item.needs = v.ID, v.DependsOn
	case *Silence:
		item.ID = v.ID
	case *Settings:
		item.ID = siteID
	}
	im.plan = append(im.plan, item)
}

// planOrder is the order in which kinds are put, so that what an object refers
// to is there. They are deleted in the reverse order.
func planOrder(kind Kind) int {
	return slices.Index([]Kind{KindUser, KindRota, KindPluginSettings, KindCheck, KindInstance, KindService, KindSilence, KindSettings}, kind)
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
	o := &ordering{now: im.now, items: im.plan[first:end], byRef: map[Ref]int{}, visited: map[int]bool{}, placed: map[Ref]bool{}}
	for i, item := range o.items {
		o.byRef[Ref{item.Kind, item.ID}] = i
	}
	for i := range o.items {
		o.place(i)
	}
	im.plan = slices.Concat(im.plan[:first], o.out, o.again, im.plan[end:])
}

func (item planItem) subject() bool { return item.Kind == KindInstance || item.Kind == KindService }

// ordering puts services and instances after those they depend on.
type ordering struct {
	now     *configured
	items   []planItem
	byRef   map[Ref]int
	visited map[int]bool
	placed  map[Ref]bool
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
	o.placed[Ref{item.Kind, item.ID}] = true
	o.out = append(o.out, item)
}

func (o *ordering) missing(r Ref) bool {
	there := o.placed[r] || r.Kind == KindService && o.now.services[r.ID] != nil || r.Kind == KindInstance && o.now.instances[r.ID] != nil
	return !there
}

// withoutDeps copies a service or instance without some of its depends_on.
func withoutDeps(object any, gone func(Ref) bool) any {
	switch v := object.(type) {
	case *Service:
		c := *v
		c.DependsOn = slices.DeleteFunc(slices.Clone(v.DependsOn), gone)
		return &c
	case *Instance:
		c := *v
		c.DependsOn = slices.DeleteFunc(slices.Clone(v.DependsOn), gone)
		return &c
	}
	return object
}

// prune plans to delete what is absent from the sections of the document.
func (im *importer) prune() {
	d := im.doc
	listed := map[Key]bool{}
	for kind, ids := range im.ids {
		for _, id := range ids {
			listed[Key{kind, id}] = true
		}
	}
	drop := func(kind Kind, id, name string) {
		im.deletes = append(im.deletes, planItem{Kind: kind, ID: id, Name: name})
	}
	sections := map[Kind]bool{KindService: d.Services != nil, KindInstance: d.Instances != nil, KindCheck: d.Checks != nil, KindUser: d.Users != nil, KindRota: d.Rotas != nil}
	for kind, names := range im.now.names() {
		for id, name := range names {
			if sections[kind] && !listed[Key{kind, id}] {
				drop(kind, id, name)
			}
		}
	}
	if d.Silences != nil {
		for id, s := range im.now.silences {
			if !im.kept[id] {
				drop(KindSilence, id, cmp.Or(s.Comment, "silence"))
			}
		}
	}
	if d.PluginSettings != nil {
		for slug := range im.now.plugins {
			if !slices.ContainsFunc(d.PluginSettings, func(p config.PluginSettings) bool { return p.Plugin == slug }) {
				drop(KindPluginSettings, slug, slug)
			}
		}
	}
	slices.SortFunc(im.deletes, func(a, b planItem) int {
		return cmp.Or(cmp.Compare(planOrder(b.Kind), planOrder(a.Kind)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	for _, item := range im.deletes {
		im.report.Changes = append(im.report.Changes, ImportChange{"delete", item.Kind, item.Name, []AuditChange{}})
	}
	im.report.Deleted = len(im.deletes)
	im.noteKept()
}

// noteKept says what a prune leaves although it is absent.
func (im *importer) noteKept() {
	var users []string
	for id := range im.kept {
		if u := im.now.users[id]; u != nil && im.doc.Users != nil && !im.listsUser(id) {
			users = append(users, u.Username)
		}
		if r := im.now.rotas[id]; r != nil && im.doc.Rotas != nil && !slices.ContainsFunc(im.doc.Rotas, func(d config.Rota) bool { return d.Name == r.Name }) {
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
