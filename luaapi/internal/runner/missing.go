package runner

import (
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/binding"
)

// Missing says what must be filled in before the plugin can send with these stored
// values of the site and of a service: fields that are required and what needs
// names, in the set that lacks least. "" is nothing.
func (v *Version) Missing(settings, service form.Values) string {
	var required []string
	for i := range v.Manifest.Forms[engine.SettingsForm].Fields {
		f := &v.Manifest.Forms[engine.SettingsForm].Fields[i]
		if f.Required && f.Type != form.Boolean && f.Deprecated == "" && len(f.ShowIf) == 0 && !v.filled(f, settings) {
			required = append(required, f.Name)
		}
	}
	least := required
	for i, set := range v.Needs {
		lacking := append([]string(nil), required...)
		for _, name := range set {
			site, own := v.Field(engine.SettingsForm, name), v.Field(engine.ServiceConfigForm, name)
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
func (v *Version) filled(f *form.Field, values form.Values) bool {
	stored, given := values[f.Name]
	if !given {
		stored = f.Initial
	}
	if !binding.Unset(stored) && !binding.IsEmpty(stored) {
		return true
	}
	if f.Env == "" {
		return false
	}
	text, ok := v.runner.Binder.Env(f.Env)
	return ok && text != ""
}

// mustBeSet says that fields are missing, and where they can be filled in.
func (v *Version) mustBeSet(names []string) string {
	if len(names) == 0 {
		return ""
	}
	var labels []string
	atService, atSite := true, true
	for _, name := range names {
		site, own := v.Field(engine.SettingsForm, name), v.Field(engine.ServiceConfigForm, name)
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
