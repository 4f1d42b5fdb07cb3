package alerting

import (
	"net/http"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/server/web/frame"
)

// incidentList is the page of all incidents.
type incidentList struct {
	Open   bool // only those that are open
	Items  []alert.IncidentView
	Older  string
	Newest bool
}

func (w *Pages) incidents(q *frame.Request) error {
	query := q.URL.Query()
	l := incidentList{Open: query.Get("show") == "open", Newest: query.Get("before") != ""}
	ask := alert.IncidentQuery{Before: query.Get("before"), Limit: frame.MaxListed + 1}
	if l.Open {
		yes := true
		ask.Open = &yes
	}
	items, err := w.Engine.Incidents.Incidents(q.Context(), ask)
	if err != nil {
		return err
	}
	l.Items = items
	if len(items) > frame.MaxListed {
		l.Items = items[:frame.MaxListed]
		l.Older = frame.OlderLink(query, l.Items[frame.MaxListed-1].ID)
	}
	p := w.NewPage(q, "Incidents", "incidents")
	p.Events = "types=incident"
	p.Body = l
	w.Render(q.Writer, http.StatusOK, "incidents", p)
	return nil
}

// incidentPage is the page of one incident.
type incidentPage struct {
	Incident   alert.IncidentView
	Subject    frame.Link
	Gone       bool // the subject was deleted
	Public     bool // so is the subject
	Events     []eventView
	Deliveries []engine.Delivery
	Notes      []noteView
	Ack        *AckView // while it is open
}

type eventView struct {
	Event engine.IncidentEvent
	Title string
	Sent  []engine.Delivery
}

type noteView struct {
	Note engine.Note
	Name string
}

func (w *Pages) incident(q *frame.Request) error {
	in, err := w.Engine.Incidents.Incident(q.Context(), q.ID())
	if err != nil {
		return err
	}
	v := incidentPage{Incident: in, Subject: w.NameOfSubject(in.Subject)}
	if v.Subject.Status == "" {
		v.Gone, v.Subject.Name = true, in.SubjectName
	}
	if v.Deliveries, err = w.DeliveriesSeen(q, alert.DeliveryQuery{Incident: in.ID, Limit: 200}); err != nil {
		return err
	}
	byID := map[string]engine.Delivery{}
	for _, d := range v.Deliveries {
		byID[d.ID] = d
	}
	for _, e := range in.Events {
		one := eventView{Event: e, Title: frame.KindWord(e.Kind, e.Step)}
		for _, id := range e.Deliveries {
			if d, ok := byID[id]; ok {
				one.Sent = append(one.Sent, d)
			}
		}
		v.Events = append(v.Events, one)
	}
	for _, n := range in.Notes {
		v.Notes = append(v.Notes, noteView{n, w.NameOfUser(n.User)})
	}
	s, err := w.SubjectNow(in.Subject.Kind, in.Subject.ID)
	v.Public = err == nil && s.Alerting.IsPublic
	if err == nil && in.Closed == nil && s.View.Incident != nil && *s.View.Incident == in.ID {
		v.Ack = AckOf(s.Path(), in.ID, in.Key, "/incidents/"+in.ID, s.View.Acknowledgement)
	}
	p := w.NewPage(q, "Incident of "+in.SubjectName, "incidents")
	p.Events = "types=incident,delivery"
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "incident", p)
	return nil
}
