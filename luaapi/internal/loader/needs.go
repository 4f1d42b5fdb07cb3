package loader

import (
	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// needs reads the key needs: an array of names of fields, or several of those.
func (r *pluginReader) needs() {
	list, ok := r.get("needs").(*lua.LTable)
	if !ok {
		return
	}
	if _, several := list.RawGetInt(1).(*lua.LTable); !several {
		r.v.Needs = [][]string{r.needed(list)}
		return
	}
	list.ForEach(func(k, value lua.LValue) {
		one, ok := value.(*lua.LTable)
		if !ok || k.Type() != lua.LTNumber {
			r.at("needs", "needs must be an array of names of fields, or an array of such arrays")
			return
		}
		r.v.Needs = append(r.v.Needs, r.needed(one))
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
func (v *validator) checkNeeds(n int, p *Plugin) {
	for _, set := range p.Needs {
		for _, name := range set {
			site, own := p.Field(engine.SettingsForm, name), p.Field(engine.ServiceConfigForm, name)
			if site == nil && own == nil {
				v.problem(v.outline.line(n, "needs"), "needs names "+name+", which is a field of neither settings_form nor service_config_form")
			}
		}
	}
}

func (v *Plugin) Field(in engine.FormName, name string) *form.Field {
	fields := v.Manifest.Forms[in].Fields
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i]
		}
	}
	return nil
}
