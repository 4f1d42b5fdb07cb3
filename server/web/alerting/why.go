package alerting

import (
	"net/http"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/webform"
)

// whyPage answers "why was I (not) paged?" for one incident.
type whyPage struct {
	Incident alert.IncidentView
	Users    []webform.Option
	Plugins  []webform.Option
	Person   string // who is asked about, "" for anybody
	Items    []whyView
	Notified int
}

type whyView struct {
	alert.Why
	Title string
}

func (w *Pages) why(q *frame.Request) error {
	in, err := w.Engine.Incidents.Incident(q.Context(), q.ID())
	if err != nil {
		return err
	}
	query := q.URL.Query()
	user, plugin := query.Get("user"), query.Get("plugin")
	if !query.Has("user") {
		user = q.User.ID
	}
	v := whyPage{Incident: in, Plugins: []webform.Option{{Label: "any plugin", Selected: plugin == ""}}}
	answers, err := w.Engine.Incidents.Why(q.Context(), in.ID, alert.WhyQuery{User: user, Plugin: plugin,
		Discreet: !q.User.Role.Can(access.Admin), Viewer: q.User.ID})
	if err != nil {
		return err
	}
	v.Users = w.whyUsers(q, user)
	if user != "" {
		v.Person = w.NameOfUser(user)
	}
	for _, slug := range w.whyPlugins(in.Subject, answers, plugin) {
		v.Plugins = append(v.Plugins, webform.Option{Value: slug, Label: w.Card(slug).Name, Selected: slug == plugin})
	}
	for _, one := range answers {
		if one.Answer == alert.PagedNotified {
			v.Notified++
		}
		v.Items = append(v.Items, whyView{one, frame.KindWord(one.Kind, one.Step)})
	}
	slices.Reverse(v.Items)
	p := w.NewPage(q, "Who was told of "+in.SubjectName, "incidents")
	p.Events = "types=incident,delivery"
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "why", p)
	return nil
}

// whyUsers are the users to ask about, the caller first.
func (w *Pages) whyUsers(q *frame.Request, chosen string) []webform.Option {
	out := []webform.Option{
		{Value: "", Label: "anybody", Selected: chosen == ""},
		{Value: q.User.ID, Label: q.User.Username + " (you)", Selected: chosen == q.User.ID},
	}
	found := chosen == "" || chosen == q.User.ID
	for _, u := range w.UserChoices() {
		if u.Value != q.User.ID {
			out = append(out, webform.Option{Value: u.Value, Label: u.Label, Selected: u.Value == chosen})
			found = found || u.Value == chosen
		}
	}
	if !found {
		out = append(out, webform.Option{Value: chosen, Label: chosen, Note: "there no more", Selected: true})
	}
	return out
}

// whyPlugins are the alert plugins that the question can be about: those of the
// subject and those that something went through.
func (w *Pages) whyPlugins(ref engine.Ref, answers []alert.Why, chosen string) []string {
	var out []string
	if s, err := w.SubjectNow(ref.Kind, ref.ID); err == nil {
		for _, a := range s.Alerting.Alerts {
			out = append(out, a.Plugin)
		}
	}
	for _, one := range answers {
		for _, d := range one.Deliveries {
			out = append(out, d.Plugin)
		}
	}
	if chosen != "" {
		out = append(out, chosen)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
