package subjects

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
	"moonwatch/engine/state"
	"moonwatch/server/web/alerting"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// subjectPage is the page of one service or instance.
type subjectPage struct {
	S          *lookup.Subject
	Checks     []frame.CheckLine
	Instances  []frame.Link
	Services   []frame.Link // of an instance
	DependsOn  []frame.Link
	Notified   []personLine
	AllAdmins  bool               // that they are, for the built-in service
	Through    []frame.PluginCard // what the built-in service tells through when it names none
	Alerts     []alertLine
	Failing    []lookup.FailingLine // before everything else
	MoreFail   int
	Runbook    string // its own, or else that of a check that fails
	Incidents  []alerting.IncidentRow
	Deliveries []alerting.DeliveryRow
	Repeat     []lookup.Setting
	Ack        *alerting.AckView // while an incident is open
	Rotas      []frame.Link
	Duty       []string // who is on duty for it now
	Steps      []stepLine
	Uptime     *drawing.UptimeView
	Silences   []edit.SilenceView
	Path       string
}

// stepLine is an escalation step in words.
type stepLine struct{ After, Who string }

// personLine is somebody who is told, and through which plugins nothing can reach them.
type personLine struct {
	ID, Name string
	Active   bool
}

type alertLine struct {
	Plugin   frame.PluginCard
	Settings []lookup.Setting
}

func (w *Pages) subjectPage(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		s, err := w.SubjectNow(kind, q.ID())
		if err != nil {
			return err
		}
		v := &subjectPage{S: s, Path: s.Path(), Silences: w.SilencesOn(kind, s.Meta.ID, s.Alerting.Tags)}
		if s.View.Incident != nil {
			v.Ack = alerting.AckOf(s.Path(), s.Meta.ID, "", s.Path(), s.View.Acknowledgement)
		}
		v.duty(w)
		v.checks(q.Context(), w)
		v.links(w)
		for _, id := range s.Alerting.UsersToNotify {
			if u, err := w.Engine.Users.User(id); err == nil {
				v.Notified = append(v.Notified, personLine{u.ID, lookup.FullName(&u), u.Active})
			}
		}
		for _, a := range s.Alerting.Alerts {
			v.Alerts = append(v.Alerts, alertLine{w.Card(a.Plugin), w.SettingsOf(a.Plugin, engine.ServiceConfigForm, a.Settings)})
		}
		if s.Meta.ID == engine.BuiltInService && kind == engine.KindService {
			v.builtInCircle(w)
		}
		v.repeat(w)
		if err := v.failing(w, q); err != nil {
			return err
		}
		ref := s.Ref()
		incidents, err := w.Engine.Incidents.Incidents(q.Context(), alert.IncidentQuery{Subject: &ref, Limit: 20})
		if err != nil {
			return err
		}
		v.Incidents, _ = frame.Cut(alerting.IncidentRows(w.Lookup, incidents), 6)
		deliveries, err := w.DeliveriesSeen(q, alert.DeliveryQuery{Subject: &ref, Limit: 8})
		if err != nil {
			return err
		}
		v.Deliveries = alerting.DeliveryRows(w.Lookup, deliveries)
		p := w.NewPage(q, s.Name, s.Plural())
		if v.Uptime, err = w.UptimeOf(q.Context(), state.Term(ref), p); err != nil {
			return err
		}
		p.Events = "types=check,service,instance,incident,delivery,silence,rota"
		if kind == engine.KindService {
			p.Events += "&service=" + url.QueryEscape(s.Meta.ID)
		}
		p.Body = v
		w.Render(q.Writer, http.StatusOK, "subject", p)
		return nil
	}
}

// maxFailing bounds the failing checks that stand before everything else.
const maxFailing = 12

// failing finds what fails now.
func (v *subjectPage) failing(w *Pages, q *frame.Request) (err error) {
	v.Runbook = v.S.Alerting.RunbookLink
	v.Failing, v.MoreFail, err = w.FailingNow(q.Context(), v.S, maxFailing)
	for _, f := range v.Failing {
		v.Runbook = cmp.Or(v.Runbook, f.Runbook)
	}
	return err
}

// duty finds the rotas, who is on duty by them, and the further steps.
func (v *subjectPage) duty(w *Pages) {
	a := &v.S.Alerting
	rotas, site := w.RotasByID(), w.Engine.Settings()
	name := func(id string) string {
		if r, ok := rotas[id]; ok {
			return r.Name
		}
		return id
	}
	for _, id := range a.Rotas {
		v.Rotas = append(v.Rotas, frame.Link{Kind: "rotas", ID: id, Name: name(id)})
	}
	if len(a.Rotas) == 0 && site.DefaultRota != "" {
		v.Rotas = []frame.Link{{Kind: "rotas", ID: site.DefaultRota, Name: name(site.DefaultRota) + " (the default)"}}
	}
	people := w.People()
	v.Duty = people.Names(w.DutyOf(a, w.Engine.OnCall.OnCall(), rotas, &site))
	for _, step := range a.Escalation {
		who := people.Names(step.Users)
		for _, id := range step.Rotas {
			who = append(who, "whoever is on "+name(id))
		}
		for _, slug := range step.Plugins {
			who = append(who, "through "+w.Card(slug).Name)
		}
		v.Steps = append(v.Steps, stepLine{step.After.String(), strings.Join(who, ", ")})
	}
}

func (v *subjectPage) checks(ctx context.Context, w *Pages) {
	for _, id := range v.S.Alerting.StatusChecks {
		if c, err := w.Engine.Checks.Check(id); err == nil {
			v.Checks = append(v.Checks, frame.LineOf(&c))
		}
	}
	slices.SortFunc(v.Checks, func(a, b frame.CheckLine) int {
		return cmp.Or(frame.RankOf(b.Status)-frame.RankOf(a.Status), strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
	})
	w.Complete(ctx, v.Checks)
}

func (v *subjectPage) links(w *Pages) {
	for _, id := range v.S.Instances {
		v.Instances = append(v.Instances, w.NameOfSubject(engine.Ref{Kind: engine.KindInstance, ID: id}))
	}
	for _, d := range v.S.Alerting.DependsOn {
		v.DependsOn = append(v.DependsOn, w.NameOfSubject(d))
	}
	if v.S.Kind != engine.KindInstance {
		return
	}
	for _, s := range w.Subjects(engine.KindService) {
		if slices.Contains(s.Instances, v.S.Meta.ID) {
			v.Services = append(v.Services, s.Link())
		}
	}
}

func (v *subjectPage) repeat(w *Pages) {
	site := w.Engine.Settings()
	for _, severity := range []engine.Status{engine.StatusCritical, engine.StatusError, engine.StatusWarning} {
		span := v.S.Alerting.RepeatInterval[severity]
		if span == 0 {
			span = engine.Duration(repeatOf(site, severity))
		}
		v.Repeat = append(v.Repeat, lookup.Setting{Label: frame.StatusShape(severity).Word, Value: span.String()})
	}
}

// runSubject runs all checks of a subject and comes back when they ended.
func (w *Pages) runSubject(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		s, err := w.SubjectNow(kind, q.ID())
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(q.Context(), 45*time.Second)
		defer cancel()
		if _, err := w.Engine.RunSubject(ctx, s.Ref()); err != nil {
			return err
		}
		return q.Redirect(s.Path() + "?done=ran")
	}
}

func (w *Pages) deleteSubjectPage(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		s, err := w.SubjectNow(kind, q.ID())
		if err != nil {
			return err
		}
		effects := []string{"Its checks stay, and go on by themselves."}
		if s.View.Incident != nil {
			effects = append(effects, "Its open incident closes, and those who were told are told so.")
		}
		return w.AskDelete(q, s.Plural(), frame.DeletePage{What: string(kind), Name: s.Name, Effects: effects, Revision: s.Meta.Revision,
			Action: s.Path() + "/delete", Back: s.Path()})
	}
}

func (w *Pages) deleteSubject(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		remove := w.Engine.Targets.DeleteService
		if kind == engine.KindInstance {
			remove = w.Engine.Targets.DeleteInstance
		}
		if err := remove(q.Context(), q.By(), q.ID(), q.DeleteRevision()); err != nil {
			return err
		}
		return q.Deleted(kind)
	}
}

// repeatOf is how often an open incident of a severity is told again.
func repeatOf(settings engine.Settings, severity engine.Status) time.Duration {
	return settings.RepeatInterval[severity].Std()
}
