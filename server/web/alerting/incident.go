package alerting

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// incidentPage is the page of one incident.
type incidentPage struct {
	Incident alert.IncidentView
	Subject  frame.Link
	Gone     bool                 // the subject was deleted
	Public   bool                 // so is the subject
	Failing  []lookup.FailingLine // now, while it is open
	More     int
	Failed   []engine.Failure // when it is over
	Runbook  string
	Stand    *standing // while it is open
	Acked    string    // who acknowledged it, when it is over
	Moments  []moment  // the latest first
	Before   []IncidentRow
	Ack      *AckView // while it is open
	Silence  bool     // it can be silenced
}

// maxFailingShown bounds the failing checks at the head of a page.
const maxFailingShown = 12

func (w *Pages) incident(q *frame.Request) error {
	in, err := w.Engine.Incidents.Incident(q.Context(), q.ID())
	if err != nil {
		return err
	}
	v := incidentPage{Incident: in, Subject: w.NameOfSubject(in.Subject)}
	if v.Subject.Status == "" {
		v.Gone, v.Subject.Name = true, in.SubjectName
	}
	deliveries, err := w.DeliveriesSeen(q, alert.DeliveryQuery{Incident: in.ID, Limit: 500})
	if err != nil {
		return err
	}
	t := telling{people: w.People(), plugin: func(slug string) string { return w.Card(slug).Name }}
	p := w.NewPage(q, "Incident of "+in.SubjectName, "incidents")
	v.Moments = t.moments(&in, deliveries, p)
	if in.Acknowledged != nil && in.Closed != nil {
		v.Acked = t.people.Named(in.Acknowledged.Username)
	}
	s, err := w.SubjectNow(in.Subject.Kind, in.Subject.ID)
	if err == nil {
		v.Public, v.Runbook = s.Alerting.IsPublic, s.Alerting.RunbookLink
	}
	if in.Closed != nil {
		v.Failed = in.Failures
	} else if err == nil {
		if err := v.now(w, q, s, &t, deliveries); err != nil {
			return err
		}
	}
	if v.Before, err = w.before(q, &in); err != nil {
		return err
	}
	p.Events = "types=incident,delivery,check,service,instance"
	if in.Subject.Kind == engine.KindService {
		p.Events += "&service=" + url.QueryEscape(in.Subject.ID)
	}
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "incident", p)
	return nil
}

// now is what is broken, and who takes care of it, while the incident is open.
func (v *incidentPage) now(w *Pages, q *frame.Request, s *lookup.Subject, t *telling, deliveries []engine.Delivery) error {
	in := &v.Incident
	if s.View.Incident == nil || *s.View.Incident != in.ID {
		return nil
	}
	var err error
	if v.Failing, v.More, err = w.FailingNow(q.Context(), s, maxFailingShown); err != nil {
		return err
	}
	for _, f := range v.Failing {
		v.Runbook = cmp.Or(v.Runbook, f.Runbook)
	}
	v.Ack, v.Silence = AckOf(s.Path(), in.ID, in.Key, "/incidents/"+in.ID, s.View.Acknowledgement), true
	v.Stand = w.stand(s, in, t, deliveries)
	return nil
}

// before are the incidents of the same subject that came before this one.
func (w *Pages) before(q *frame.Request, in *alert.IncidentView) ([]IncidentRow, error) {
	found, err := w.Engine.Incidents.Incidents(q.Context(), alert.IncidentQuery{Subject: &in.Subject, Before: in.ID, Limit: 20})
	rows := foldFlaps(found, w.People())
	return rows[:min(len(rows), 5)], err
}

// standing is who has been told of an open incident, and what comes next.
type standing struct {
	Duty   []dutyLine
	Told   []toldLine // besides whoever is on call
	Failed []sentLine // deliveries that did not arrive, the latest of each plugin
	Ack    *engine.Acknowledgement
	By     string // who acknowledged
	Since  time.Time
	Held   string
	Next   *nextLine
}

// dutyLine is somebody on call, and by what they were told.
type dutyLine struct {
	Name, Rota, RotaID string
	By                 []toldBy
}

// toldLine is somebody who was told.
type toldLine struct {
	Name string
	By   []toldBy
}

// toldBy are the plugins by which somebody was told within a minute.
type toldBy struct {
	Plugins string
	At      time.Time
}

// toldByEach gathers the plugins that told within a minute.
func toldByEach(told []alert.Told, plugin func(string) string) (out []toldBy) {
	var names []string
	for i, one := range told {
		names = append(names, plugin(one.Plugin))
		if i+1 == len(told) || told[i+1].At.Sub(one.At) >= time.Minute {
			out = append(out, toldBy{frame.Listed(names), one.At})
			names = nil
		}
	}
	return out
}

// nextLine is what comes next, and when.
type nextLine struct {
	At      time.Time
	AckEnds bool
	Waited  bool   // by somebody who was held back
	Text    string // "Jonas Beck by Slack"
}

// stand finds how an open incident stands between people and the monitor.
func (w *Pages) stand(s *lookup.Subject, in *alert.IncidentView, t *telling, deliveries []engine.Delivery) *standing {
	outlook := w.Engine.Incidents.Outlook(in.ID)
	v := &standing{Since: in.Opened, Held: outlook.Held, Ack: s.View.Acknowledgement}
	if v.Ack != nil {
		v.By = t.people.Named(v.Ack.Username)
	}
	told, order := map[string][]alert.Told{}, []string{}
	for _, one := range outlook.Told {
		for _, id := range one.Users {
			if told[id] == nil {
				order = append(order, id)
			}
			told[id] = append(told[id], one)
		}
	}
	rotas, site, now := w.RotasByID(), w.Engine.Settings(), w.Engine.OnCall.OnCall()
	duty := w.DutyOf(&s.Alerting, now, rotas, &site)
	for _, id := range duty {
		line := dutyLine{Name: t.people.Name(id), By: toldByEach(told[id], t.plugin)}
		for _, one := range now {
			if one.User == id && (slices.Contains(s.Alerting.Rotas, one.Rota) || len(s.Alerting.Rotas) == 0 && one.Rota == site.DefaultRota) {
				line.Rota, line.RotaID = one.RotaName, one.Rota
				break
			}
		}
		v.Duty = append(v.Duty, line)
	}
	for _, id := range order {
		if !slices.Contains(duty, id) {
			v.Told = append(v.Told, toldLine{t.people.Name(id), toldByEach(told[id], t.plugin)})
		}
	}
	v.Failed = t.undelivered(deliveries)
	if outlook.Next != nil {
		v.Next = &nextLine{At: outlook.Next.At, AckEnds: outlook.Next.AckEnds, Waited: outlook.Next.User != ""}
		v.Next.Text = w.nextText(outlook, t, rotas, now)
	}
	return v
}

// undelivered are the deliveries that did not arrive and that none of the same
// plugin made up for since.
func (t *telling) undelivered(deliveries []engine.Delivery) []sentLine {
	var out []sentLine
	seen := map[string]bool{}
	for i := range deliveries { // the latest first
		d := &deliveries[i]
		if d.State == engine.DeliverySuperseded || d.State == engine.DeliverySkipped || seen[d.Plugin] {
			continue
		}
		seen[d.Plugin] = true
		if d.State == engine.DeliveryFailed || d.State == engine.DeliveryDead {
			out = append(out, t.sent(d))
		}
	}
	return out
}
