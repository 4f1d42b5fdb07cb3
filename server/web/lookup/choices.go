package lookup

import (
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// CheckChoices are all checks.
func (w *Lookup) CheckChoices() []form.Choice {
	var out []form.Choice
	for _, c := range w.Engine.Checks.BareChecks() {
		out = append(out, form.Choice{Value: c.ID, Label: c.Name})
	}
	return sortedChoices(out)
}

// UserChoices are all users.
func (w *Lookup) UserChoices() []form.Choice {
	var out []form.Choice
	for _, u := range w.Engine.Users.Users() {
		label := u.Username
		if full := strings.TrimSpace(u.FirstName + " " + u.LastName); full != "" {
			label += " (" + full + ")"
		}
		if !u.Active {
			label += ", not active"
		}
		out = append(out, form.Choice{Value: u.ID, Label: label})
	}
	return sortedChoices(out)
}

// SubjectChoices are all services or instances but one; prefix stands before their ids.
func (w *Lookup) SubjectChoices(kind engine.Kind, prefix, except string) []form.Choice {
	var out []form.Choice
	for _, s := range w.Subjects(kind) {
		if s.Meta.ID != except {
			out = append(out, form.Choice{Value: prefix + s.Meta.ID, Label: s.Name})
		}
	}
	return out
}

// RotaChoices are all rotas.
func (w *Lookup) RotaChoices() []form.Choice {
	var out []form.Choice
	for _, r := range w.Engine.OnCall.Rotas() {
		out = append(out, form.Choice{Value: r.ID, Label: r.Name})
	}
	return sortedChoices(out)
}

func sortedChoices(list []form.Choice) []form.Choice {
	slices.SortFunc(list, func(a, b form.Choice) int {
		return strings.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label))
	})
	return list
}
