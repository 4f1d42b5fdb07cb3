package cli

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// inside asks the monitor what is wrong with what it holds.
func (c *doctorCommand) inside(ctx context.Context, x *examination, api *client) error {
	for _, look := range []func(context.Context, *examination, *client) error{
		pluginsCheck, checksCheck, deliveriesCheck, rotasCheck, settingsCheck,
	} {
		if err := look(ctx, x, api); err != nil {
			return err
		}
	}
	return nil
}

// listed reads all items of a list.
func listed[T any](ctx context.Context, api *client, path string, query url.Values) ([]T, error) {
	var out []T
	query.Set("limit", "1000")
	for {
		var page struct {
			Items []T
			Next  *string
		}
		if err := api.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
		if page.Next == nil {
			return out, nil
		}
		query.Set("cursor", *page.Next)
	}
}

// pluginsCheck complains about plugins that do not load, and about those that
// checks or alerts name and that are not there.
func pluginsCheck(ctx context.Context, x *examination, api *client) error {
	type use struct{ Checks, Services, Instances int }
	list, err := listed[struct {
		Slug, State, File, Suspended string
		NeedsSettings                string `json:"needs_settings"`
		Unsent                       *struct {
			At, Why string
			Name    string `json:"subject_name"`
		}
		Error *struct {
			Message, File string
			Line          int
		}
		UsedBy use `json:"used_by"`
	}](ctx, api, "/plugins", url.Values{})
	if err != nil {
		return err
	}
	before := x.found
	for _, p := range list {
		used := p.UsedBy.Checks + p.UsedBy.Services + p.UsedBy.Instances
		switch {
		case p.Error != nil:
			x.bad("plugin %s does not load: %s:%d: %s", p.Slug, p.Error.File, p.Error.Line, p.Error.Message)
		case p.State == "failed":
			x.bad("plugin %s does not load", p.Slug)
		case p.State == "orphaned" && used > 0:
			x.bad("the file of plugin %s is gone (%s): it is used by %s, whose checks are unknown and whose alerts are not sent until the file is back", p.Slug, p.File, counted(used, "object"))
		case p.State == "suspended":
			x.bad("plugin %s is suspended: %s", p.Slug, p.Suspended)
		}
		if p.NeedsSettings != "" && used > 0 {
			x.bad("alert plugin %s cannot send: %s", p.Slug, p.NeedsSettings)
		}
		if p.Unsent != nil {
			x.bad("an alert of %q through %s could not be sent at %s, and nothing was sent since: %s", p.Unsent.Name, p.Slug, p.Unsent.At, firstLine(p.Unsent.Why))
		}
	}
	if x.found == before {
		x.fine("all %s load", counted(len(list), "plugin"))
	}
	return nil
}

func checksCheck(ctx context.Context, x *examination, api *client) error {
	known := map[string]bool{}
	slugs, err := listed[struct{ Slug string }](ctx, api, "/plugins", url.Values{})
	if err != nil {
		return err
	}
	for _, p := range slugs {
		known[p.Slug] = true
	}
	list, err := listed[struct {
		Name, Plugin, Problem, Status, Cause, Error string
		Active                                      bool
	}](ctx, api, "/checks", url.Values{})
	if err != nil {
		return err
	}
	before := x.found
	for _, c := range list {
		switch {
		case !known[c.Plugin]:
			x.bad("check %q: there is no plugin %s", c.Name, c.Plugin)
		case c.Problem != "":
			x.bad("check %q: its stored configuration no longer passes: %s", c.Name, c.Problem)
		case c.Active && c.Status == "UNKNOWN" && c.Cause != "plugin" && c.Cause != "offline":
			x.bad("check %q is unknown (%s): %s", c.Name, c.Cause, firstLine(c.Error))
		}
	}
	if x.found == before {
		x.fine("%s without a problem of the monitor's side", counted(len(list), "check"))
	}
	return nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func deliveriesCheck(ctx context.Context, x *examination, api *client) error {
	list, err := listed[struct {
		ID, Plugin, Why, Created string
		Subject                  string `json:"subject_name"`
	}](ctx, api, "/deliveries", url.Values{"state": {"dead"}})
	if err != nil {
		return err
	}
	const most = 10
	for i, d := range list {
		if i == most {
			x.bad("and %d more are dead", len(list)-most)
			break
		}
		x.bad("a delivery of %q through %s of %s is dead (%s): %s", d.Subject, d.Plugin, d.Created, d.ID, firstLine(d.Why))
	}
	if len(list) == 0 {
		x.fine("no delivery is dead")
	}
	return nil
}

func rotasCheck(ctx context.Context, x *examination, api *client) error {
	list, err := listed[struct {
		Name     string
		Problems []struct{ Message string }
	}](ctx, api, "/rotas", url.Values{})
	if err != nil {
		return err
	}
	before := x.found
	for _, r := range list {
		for _, p := range r.Problems {
			x.bad("rota %q: %s", r.Name, p.Message)
		}
	}
	if x.found == before {
		x.fine("%s without a problem", counted(len(list), "rota"))
	}
	return nil
}

func settingsCheck(ctx context.Context, x *examination, api *client) error {
	var settings struct {
		PauseAlerts bool `json:"pause_alerts"`
	}
	if err := api.call(ctx, http.MethodGet, "/settings", nil, &settings); err != nil {
		return err
	}
	if settings.PauseAlerts {
		x.bad("all alerts are paused in the settings")
	}
	users, err := listed[struct {
		Role   string
		Active bool
	}](ctx, api, "/users", url.Values{})
	if err != nil {
		return err
	}
	for _, u := range users {
		if u.Active && u.Role == "admin" {
			return nil
		}
	}
	x.bad("there is no active admin: moonwatch user add NAME --role admin")
	return nil
}
