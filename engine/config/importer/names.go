package importer

import (
	"cmp"
	"maps"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/config"
	"moonwatch/engine/state"
)

// resolveNames finds the id of each name as it will be, and gives new objects
// theirs. Names that are pruned are gone already: nothing may refer to them.
func (im *importer) resolveNames() {
	d, names := im.doc, im.now.Names()
	after := im.now.Names()
	section := func(kind engine.Kind, present bool, listed []string) {
		old := map[string]string{}
		for id, name := range names[kind] {
			old[state.NameKey(kind, name)] = id
		}
		ids, keys := map[string]string{}, map[string]string{}
		for _, name := range listed {
			key := state.NameKey(kind, name)
			if name == "" {
				continue
			}
			if first := keys[key]; first != "" && first != name { // what stands twice letter by letter is said already
				im.add(config.Named("users", name), "unique", "this is the user %s in another case", first)
			}
			keys[key] = name
			if ids[name] = old[key]; ids[name] == "" {
				ids[name] = im.e.IDs.New()
			}
			after[kind][ids[name]] = name
		}
		for id, name := range names[kind] {
			if ids[name] == "" && !(im.o.Prune && present && !im.kept[id]) {
				ids[name] = id
			}
		}
		im.ids[kind] = ids
	}
	section(engine.KindUser, d.Users != nil, list(d.Users, func(v config.User) string { return v.Username }))
	section(engine.KindRota, d.Rotas != nil, list(d.Rotas, func(v config.Rota) string { return v.Name }))
	section(engine.KindCheck, d.Checks != nil, list(d.Checks, func(v config.Check) string { return v.Name }))
	section(engine.KindInstance, d.Instances != nil, list(d.Instances, func(v config.Instance) string { return v.Name }))
	section(engine.KindService, d.Services != nil, list(d.Services, func(v config.Service) string { return v.Name }))
	im.placeBuiltIn(after[engine.KindService])
	show := func(_, _, _ string, v any) any { return shownSecret(v) }
	im.before = &exporter{e: im.e.State, names: names, secret: show}
	im.after = &exporter{e: im.e.State, names: after, secret: show}
}

// placeBuiltIn matches the built-in service by what it is, whatever its name.
func (im *importer) placeBuiltIn(names map[string]string) {
	ids := im.ids[engine.KindService]
	old := im.now.Services[engine.BuiltIn.ID]
	found := false
	for i := range im.doc.Services {
		d := &im.doc.Services[i]
		if !d.BuiltIn || d.Name == "" {
			continue
		}
		location := config.Named("services", d.Name)
		if other := ids[d.Name]; found || im.now.Services[other] != nil && other != engine.BuiltIn.ID {
			im.add(location+".built_in", "unique", "another service is this one already")
			continue
		}
		found = true
		if old != nil && old.Name != d.Name {
			delete(ids, old.Name)
		}
		delete(names, ids[d.Name])
		ids[d.Name], names[engine.BuiltIn.ID] = engine.BuiltIn.ID, d.Name
	}
	if old != nil && !found && ids[old.Name] == "" { // it is never pruned
		ids[old.Name] = engine.BuiltIn.ID
	}
}

func list[T any](objects []T, name func(T) string) []string {
	out := make([]string, len(objects))
	for i, o := range objects {
		out[i] = name(o)
	}
	return out
}

// keep decides what a prune leaves although it is absent: the caller, the last
// admin, and the default rota and fallback users where the document does not say
// who takes their place.
func (im *importer) keep() {
	listed := map[string]bool{}
	admin := false
	for _, u := range im.doc.Users {
		listed[state.NameKey(engine.KindUser, u.Username)] = true
		admin = admin || u.Active && access.Role(u.Role) == access.Admin
	}
	if im.now.Users[im.by.User] != nil {
		im.kept[im.by.User] = true
	}
	if id := im.now.Settings.FallbackUser; im.doc.Settings == nil && id != "" {
		im.kept[id] = true
	}
	if id := im.now.Settings.DefaultRota; im.doc.Settings == nil && id != "" {
		im.kept[id] = true
	}
	for id, r := range im.now.Rotas {
		if (im.doc.Rotas == nil || im.kept[id]) && r.FallbackUser != "" {
			im.kept[r.FallbackUser] = true
		}
	}
	var admins []*engine.User
	for id, u := range im.now.Users {
		switch {
		case listed[state.NameKey(engine.KindUser, u.Username)] || !engine.IsAdmin(u):
		case im.kept[id]:
			admin = true
		default:
			admins = append(admins, u)
		}
	}
	if !admin && len(admins) > 0 {
		first := slices.MinFunc(admins, func(a, b *engine.User) int { return cmp.Compare(a.Username, b.Username) })
		im.kept[first.ID] = true
	}
}

// checkAdmins makes sure that somebody can still administer the monitor.
func (im *importer) checkAdmins() {
	had := 0
	for _, u := range im.now.Users {
		if engine.IsAdmin(u) {
			had++
		}
	}
	if had > 0 && im.admins == 0 {
		im.add("users", "invalid", "no active admin would be left")
	}
}

// checkCycles complains about every depends_on that leads back to where it
// stands, as it will be.
func (im *importer) checkCycles() {
	loops := loopsOf(im.deps)
	complain := func(ref engine.Ref, location string, listed []config.Ref) {
		for i, d := range listed {
			to := engine.Ref{Kind: engine.KindService, ID: im.ids[engine.KindService][d.Service]}
			if d.Instance != "" {
				to = engine.Ref{Kind: engine.KindInstance, ID: im.ids[engine.KindInstance][d.Instance]}
			}
			if loops[ref] != 0 && loops[ref] == loops[to] || ref == to {
				im.add(engine.At(location+".depends_on", i), "cycle", "this would depend on itself")
			}
		}
	}
	for _, d := range im.doc.Services {
		complain(engine.Ref{Kind: engine.KindService, ID: im.ids[engine.KindService][d.Name]}, config.Named("services", d.Name), d.DependsOn)
	}
	for _, d := range im.doc.Instances {
		complain(engine.Ref{Kind: engine.KindInstance, ID: im.ids[engine.KindInstance][d.Name]}, config.Named("instances", d.Name), d.DependsOn)
	}
}

// loopsOf numbers the sets of nodes that lead to one another (Tarjan's strongly
// connected components of two nodes and more). Nodes in no loop are left out.
func loopsOf(edges map[engine.Ref][]engine.Ref) map[engine.Ref]int {
	index, low, onStack, loops := map[engine.Ref]int{}, map[engine.Ref]int{}, map[engine.Ref]bool{}, map[engine.Ref]int{}
	var stack []engine.Ref
	next, loop := 0, 0
	var visit func(engine.Ref)
	visit = func(v engine.Ref) {
		next++
		index[v], low[v], onStack[v] = next, next, true
		stack = append(stack, v)
		for _, w := range edges[v] {
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if onStack[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		first := slices.Index(stack, v)
		if loop++; len(stack)-first > 1 {
			for _, w := range stack[first:] {
				loops[w] = loop
			}
		}
		for _, w := range stack[first:] {
			onStack[w] = false
		}
		stack = stack[:first]
	}
	for v := range maps.Keys(edges) {
		if index[v] == 0 {
			visit(v)
		}
	}
	return loops
}
