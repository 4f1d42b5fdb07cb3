package luaapi

import (
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"

	lua "github.com/yuin/gopher-lua"
)

// needs reads the key needs: an array of names of fields, or several of those.
func (r *pluginReader) needs() {
	list, ok := r.get("needs").(*lua.LTable)
	if !ok {
		return
	}
	if _, several := list.RawGetInt(1).(*lua.LTable); !several {
		r.v.needs = [][]string{r.needed(list)}
		return
	}
	list.ForEach(func(k, value lua.LValue) {
		one, ok := value.(*lua.LTable)
		if !ok || k.Type() != lua.LTNumber {
			r.at("needs", "needs must be an array of names of fields, or an array of such arrays")
			return
		}
		r.v.needs = append(r.v.needs, r.needed(one))
	})
}

func (r *pluginReader) needed(list *lua.LTable) (names []string) {
	list.ForEach(func(k, value lua.LValue) {
		name, ok := value.(lua.LString)
		if !ok || k.Type() != lua.LTNumber {
			r.at("needs", "needs must be an array of names of fields, or an array of such arrays")
			return
		}
		names = append(names, string(name))
	})
	return names
}

// checkNeeds complains about names in needs that no form has.
func (v *validator) checkNeeds(n int, p *version) {
	for _, set := range p.needs {
		for _, name := range set {
			site, own := p.field(engine.SettingsForm, name), p.field(engine.ServiceConfigForm, name)
			if site == nil && own == nil {
				v.problem(v.outline.line(n, "needs"), "needs names "+name+", which is a field of neither settings_form nor service_config_form")
			}
		}
	}
}

func (v *version) field(in engine.FormName, name string) *form.Field {
	fields := v.meta.Forms[in].Fields
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i]
		}
	}
	return nil
}

// Missing says what must be filled in before the plugin can send with these stored
// values of the site and of a service: fields that are required and what needs
// names, in the set that lacks least. "" is nothing.
func (v *version) Missing(settings, service form.Values) string {
	var required []string
	for i := range v.meta.Forms[engine.SettingsForm].Fields {
		f := &v.meta.Forms[engine.SettingsForm].Fields[i]
		if f.Required && f.Type != form.Boolean && f.Deprecated == "" && len(f.ShowIf) == 0 && !v.filled(f, settings) {
			required = append(required, f.Name)
		}
	}
	least := required
	for i, set := range v.needs {
		lacking := append([]string(nil), required...)
		for _, name := range set {
			site, own := v.field(engine.SettingsForm, name), v.field(engine.ServiceConfigForm, name)
			if !(site != nil && v.filled(site, settings)) && !(own != nil && v.filled(own, service)) {
				lacking = append(lacking, name)
			}
		}
		if i == 0 || len(lacking) < len(least) {
			least = lacking
		}
	}
	return v.mustBeSet(least)
}

// filled reports whether a field has a value, if only from the environment.
func (v *version) filled(f *form.Field, values form.Values) bool {
	stored, given := values[f.Name]
	if !given {
		stored = f.Initial
	}
	if !unset(stored) && !isEmpty(stored) {
		return true
	}
	if f.Env == "" {
		return false
	}
	text, ok := v.rt.opts.Env(f.Env)
	return ok && text != ""
}

// mustBeSet says that fields are missing, and where they can be filled in.
func (v *version) mustBeSet(names []string) string {
	if len(names) == 0 {
		return ""
	}
	var labels []string
	atService, atSite := true, true
	for _, name := range names {
		site, own := v.field(engine.SettingsForm, name), v.field(engine.ServiceConfigForm, name)
		atSite, atService = atSite && site != nil, atService && own != nil
		if site == nil {
			site = own
		}
		labels = append(labels, site.DisplayLabel())
	}
	text := labels[0]
	if n := len(labels); n > 1 {
		text = strings.Join(labels[:n-1], ", ") + " and " + labels[n-1]
	}
	switch {
	case atSite && atService:
		return text + " must be set, in the plugin's settings or at the service"
	case atService:
		return text + " must be set at the service"
	}
	return text + " must be set in the plugin's settings"
}
