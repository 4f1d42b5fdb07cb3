package alerting

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/oncall"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// moment is one line of an incident's timeline: a check, an event or a note.
type moment struct {
	At     time.Time
	ID     string
	Status engine.Status // colours its point, "" is none
	Told   bool          // something was sent
	Who    string        // the check or person it is about
	Page   string        // leads to the check
	Text   string        // goes on after Who
	Error  string
	Note   *engine.Note
	Day    time.Time // set where another day begins
	Sent   []sentGroup
	Asides []string // why nobody, or somebody not, was told
}

// sentGroup are deliveries that one sentence tells: those that reached the same
// people, or a single one.
type sentGroup struct {
	sentLine
	Also []sentLine
}

// grouped puts what reached the same people into one sentence.
func grouped(lines []sentLine) (out []sentGroup) {
	for _, s := range lines {
		same := func(g sentGroup) bool {
			return g.State == engine.DeliverySent && g.State == s.State && g.People == s.People
		}
		if at := slices.IndexFunc(out, same); at >= 0 {
			out[at].Also = append(out[at].Also, s)
		} else {
			out = append(out, sentGroup{sentLine: s})
		}
	}
	return out
}

// sentLine is a delivery in one sentence.
type sentLine struct {
	ID     string
	State  engine.DeliveryState
	Plugin string
	People string // who is told, "" for a receiver that is nobody
	Text   string // how it went, where it did not go well
	Next   *time.Time
}

// telling puts what happened into words, with names.
type telling struct {
	people lookup.People
	plugin func(slug string) string
}

// moments are the timeline of an incident, the latest first: what its checks did,
// its events with what was sent, and its notes.
func (t *telling) moments(in *alert.IncidentView, deliveries []engine.Delivery, p *frame.Page) []moment {
	out := t.failures(in)
	byID := make(map[string]*engine.Delivery, len(deliveries))
	for i := range deliveries {
		byID[deliveries[i].ID] = &deliveries[i]
	}
	was := engine.StatusPassing
	for i := range in.Events {
		if m, ok := t.event(in, &in.Events[i], was, byID); ok {
			out = append(out, m)
		}
		was = in.Events[i].Status
	}
	for i := range in.Notes {
		n := &in.Notes[i]
		out = append(out, moment{At: n.At, Note: n, Who: t.people.Named(n.User)})
	}
	slices.SortStableFunc(out, func(a, b moment) int { return a.At.Compare(b.At) })
	slices.Reverse(out)
	day := func(at time.Time) string { return at.In(p.Zone).Format(time.DateOnly) }
	last := day(p.Now)
	for i := range out {
		if d := day(out[i].At); d != last {
			out[i].Day, last = out[i].At, d
		}
	}
	return out
}

// failures are the lines of the checks that failed.
func (t *telling) failures(in *alert.IncidentView) (out []moment) {
	for i, f := range in.Failures {
		m := moment{At: f.Since, Status: f.Severity, Who: f.Name, Page: frame.PageOfCheck(f.Check), Text: "joined", Error: f.Error}
		before, began := slices.Clone(in.Failures[:i]), f.Since
		slices.Reverse(before)
		for _, b := range before { // the same failure at other severities
			if b.Check != f.Check || b.Until == nil || !b.Until.Equal(began) {
				continue
			}
			if began.Equal(f.Since) {
				m.Text = "got better"
				if f.Severity.Rank() > b.Severity.Rank() {
					m.Text = "got worse"
				}
			}
			began = b.Since
		}
		if !f.Since.After(in.Opened) {
			m.Text = "failed"
		}
		out = append(out, m)
		goesOn := func(n engine.Failure) bool { return n.Check == f.Check && f.Until != nil && n.Since.Equal(*f.Until) }
		if f.Until != nil && (in.Closed == nil || f.Until.Before(*in.Closed)) && !slices.ContainsFunc(in.Failures[i+1:], goesOn) {
			out = append(out, moment{At: *f.Until, Who: f.Name, Page: m.Page, Text: "recovered after " + drawing.Span(f.Until.Sub(began))})
		}
	}
	return out
}

// event is the line of an event; false for one that told nobody and that the
// lines of the checks tell already.
func (t *telling) event(in *alert.IncidentView, e *engine.IncidentEvent, was engine.Status, byID map[string]*engine.Delivery) (moment, bool) {
	m := moment{At: e.At, ID: e.ID}
	var sent []sentLine
	for _, id := range e.Deliveries {
		if d := byID[id]; d != nil {
			sent = append(sent, t.sent(d))
			m.Told = m.Told || d.State == engine.DeliverySent
			m.Asides = append(m.Asides, t.leftOut(d)...)
		}
	}
	m.Sent, m.Asides = grouped(sent), append(t.held(e), m.Asides...)
	m.Who, m.Text = t.lead(in, e, was)
	if e.Kind == engine.AlertEscalation && e.Step == 0 {
		m.Status = e.Status
	}
	return m, m.Who+m.Text != "" || len(m.Sent)+len(m.Asides) > 0
}

// lead begins the line of an event: who did it, and what it was. Both are empty
// where what failed says it already.
func (t *telling) lead(in *alert.IncidentView, e *engine.IncidentEvent, was engine.Status) (who, text string) {
	span := drawing.Span(e.At.Sub(in.Opened))
	switch e.Kind {
	case engine.AlertFiring:
		return "", frame.Upper(e.Detail)
	case engine.AlertEscalation:
		switch {
		case e.Step < 0:
			return "", span + " unacknowledged, and the last step reached nobody: the fallback"
		case e.Step > 0:
			return "", span + " unacknowledged"
		case e.Status.Rank() > was.Rank():
			return "", "It got worse: " + frame.StatusShape(e.Status).Word
		}
		return "", "Told again at the same severity"
	case engine.AlertDeescalation:
		return "", "It got better: " + frame.StatusShape(e.Status).Word
	case engine.AlertRepeat:
		return "", cmp.Or(frame.Upper(e.Detail), "Still failing after "+span)
	case engine.AlertRecovery:
		return "", "Back to normal after " + span + frame.After(": ", e.Detail)
	case engine.AlertAcknowledged:
		if e.By == "" {
			return "", "Acknowledged" + frame.After(": ", e.Detail)
		}
		return t.people.Named(e.By), "acknowledged" + frame.After(": ", e.Detail)
	case engine.AlertUnacknowledged:
		if e.By == "" {
			return "", frame.Upper(e.Detail)
		}
		return t.people.Named(e.By), "ended the acknowledgement"
	}
	return "", t.update(in, e)
}

// update names the checks that an update tells of; those lines stand above it.
func (t *telling) update(in *alert.IncidentView, e *engine.IncidentEvent) string {
	if len(e.Deliveries) == 0 {
		return ""
	}
	var names []string
	for _, id := range e.Checks {
		if at := slices.IndexFunc(in.Failures, func(f engine.Failure) bool { return f.Check == id }); at >= 0 && !slices.Contains(names, in.Failures[at].Name) {
			names = append(names, in.Failures[at].Name)
		}
	}
	if len(names) == 0 {
		return frame.Upper(e.Detail)
	}
	return "About " + frame.Listed(names)
}

// sent is a delivery in one sentence.
func (t *telling) sent(d *engine.Delivery) sentLine {
	s := sentLine{ID: d.ID, State: d.State, Plugin: t.plugin(d.Plugin), People: frame.Listed(t.people.Names(recipients(d)))}
	why := frame.WhyOf(*d)
	switch d.State {
	case engine.DeliveryPending:
		s.Text = "is on its way"
	case engine.DeliveryFailed:
		s.Text, s.Next = "failed"+frame.After(": ", why), d.NextAttempt
	case engine.DeliveryDead:
		s.Text = "failed" + frame.After(": ", why) + ", given up"
	case engine.DeliverySkipped:
		s.Text = "had nothing to send" + frame.After(": ", why)
	case engine.DeliverySuperseded:
		s.Text = "was not sent" + frame.After(": ", why)
	}
	return s
}

// recipients are whom a delivery is for, each once.
func recipients(d *engine.Delivery) []string {
	var out []string
	for _, id := range slices.Concat(d.DutyOfficers, d.Users) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// leftOut says who a delivery was not for, and why: those with one reason in one
// sentence.
func (t *telling) leftOut(d *engine.Delivery) (out []string) {
	said := map[string]bool{}
	for _, h := range d.Deferred {
		if said[h.Why] {
			continue
		}
		said[h.Why] = true
		var names []string
		for _, other := range d.Deferred {
			if name := t.people.Name(other.User); other.Why == h.Why && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		was := " was"
		if len(names) > 1 {
			was = " were"
		}
		out = append(out, frame.Listed(names)+was+" not told by "+t.plugin(d.Plugin)+frame.After(": ", h.Why))
	}
	return out
}

// held says why an event was not sent, in words.
func (t *telling) held(e *engine.IncidentEvent) (out []string) {
	for _, d := range e.Decisions {
		slug, ofPlugin := strings.CutPrefix(d.Step, "plugin ")
		switch {
		case d.Outcome == "queued":
		case ofPlugin && d.Outcome == "not called" && e.Kind != engine.AlertFiring: // it tells of no such event
		case ofPlugin:
			out = append(out, t.plugin(slug)+" was not asked"+frame.After(": ", d.Detail))
		case d.Outcome == "nobody reached":
			out = append(out, frame.Upper(d.Detail))
		default:
			out = append(out, "Nobody was told"+frame.After(": ", d.Detail))
		}
	}
	return out
}

// nextText says who is told next, and through what.
func (w *Pages) nextText(o alert.Outlook, t *telling, rotas map[string]oncall.RotaView, duty []oncall.OnCall) string {
	next := o.Next
	switch {
	case next.User != "":
		return t.people.Name(next.User) + " by " + t.plugin(next.Plugin)
	case next.Step > 0:
		names := t.people.Names(o.Step.Users)
		for _, id := range o.Step.Rotas {
			who := "whoever is on " + rotas[id].Name
			if here := onRota(duty, id); len(here) > 0 {
				who = frame.Listed(t.people.Names(here))
			}
			if !slices.Contains(names, who) {
				names = append(names, who)
			}
		}
		var through []string
		for _, slug := range o.Step.Plugins {
			through = append(through, t.plugin(slug))
		}
		return cmp.Or(frame.Listed(names), "its receivers") + frame.After(" by ", frame.Listed(through))
	case next.Kind == engine.AlertUpdate:
		return "the further checks are told of"
	case next.Kind == engine.AlertUnacknowledged:
		return "those told hear that it is open again"
	}
	return "a reminder to those told"
}

// onRota is who is on duty by a rota now.
func onRota(duty []oncall.OnCall, rota string) (ids []string) {
	for _, one := range duty {
		if one.Rota == rota {
			ids = append(ids, one.User)
		}
	}
	return ids
}
