package alert

import (
	"cmp"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/state"
)

// Snapshot is what alert plugins see of an event. It is made once, stored with
// the delivery, and the same at every attempt.
func Snapshot(x *state.Tx, s state.Target, in *engine.Incident, was engine.Status, h Event, number int, delivery, plugin string) engine.AlertSnapshot {
	a := engine.AlertSnapshot{
		Subject: in.Subject, Name: in.SubjectName, URL: s.URL, Address: s.Address,
		Instances: instanceSnapshots(x, s.Instances), OverallStatus: in.Status, OldOverallStatus: was, WorstStatus: in.Severity,
		AlertingStatus: in.Alerting,
		LastAlertSent:  in.LastSent, PageURL: pageURL(x, string(in.Subject.Kind)+"s", in.Subject.ID), RunbookLink: s.RunbookLink,
		Kind: h.Kind, Reason: h.Detail, IncidentKey: in.Key, DeliveryID: delivery, AlertNumber: number,
		EventAt: x.Now, IncidentOpenedAt: in.Opened, Failing: []engine.CheckRecord{}, Passing: []engine.CheckRecord{},
	}
	if h.Kind != engine.AlertTest { // whose incident is never stored
		a.IncidentURL = pageURL(x, "incidents", in.ID)
	}
	if in.Ack != nil {
		a.Acknowledgement = &engine.AcknowledgementSnapshot{
			User:      in.Ack.Username,
			Comment:   in.Ack.Comment,
			At:        in.Ack.At,
			ExpiresAt: in.Ack.Expires,
		}
	}
	a.Settings = serviceSettings(x, s, in, plugin)
	for _, id := range checksOf(x, s) {
		c, state := x.Checks.Get(id), x.States.Get(id)
		if c == nil || state == nil || !c.Active {
			continue
		}
		record := checkRecord(x, c, state)
		if record.Severity != "" {
			a.Failing = append(a.Failing, record)
		} else if state.Status == engine.CheckPassing {
			a.Passing = append(a.Passing, record)
		}
	}
	if s.Ref == engine.BuiltIn {
		a.Failing = append(a.Failing, rotaRecords(x)...)
		a.Failing = append(a.Failing, unsentRecords(x)...)
	}
	byName := func(a, b engine.CheckRecord) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(a.Failing, byName)
	slices.SortFunc(a.Passing, byName)
	return a
}

// serviceSettings returns what a subject set for an alert plugin. When the
// subject was deleted or dropped the plugin, the recovery still has to go where
// the incident was told: what was told with holds.
func serviceSettings(x *state.Tx, s state.Target, in *engine.Incident, plugin string) form.Values {
	for _, choice := range s.Alerts {
		if choice.Plugin == plugin {
			return choice.Settings
		}
	}
	if notified := in.Notified[plugin]; notified != nil {
		return notified.Settings
	}
	for _, d := range waitingOf(x, in.ID) {
		if d.Plugin == plugin && d.UnderWay() {
			return d.Snapshot.Settings
		}
	}
	return nil
}

func checkRecord(x *state.Tx, c *engine.Check, state *engine.CheckState) engine.CheckRecord {
	severity, _ := state.Failing()
	r := engine.CheckRecord{ID: c.ID, Name: c.Name, Plugin: c.Plugin, Importance: c.Importance, Severity: severity,
		Unknown: state.Status == engine.CheckUnknown, Description: state.Description, Since: state.Since,
		RunbookLink: c.RunbookLink, PageURL: pageURL(x, "checks", c.ID), Metrics: []engine.Metric{}}
	if severity != "" {
		r.Error = state.Error
		if state.Flapping {
			r.Error = strings.TrimPrefix(r.Error+", flapping", ", ")
		}
	}
	if last := x.LastResult(c.ID); last != nil {
		r.Message = last.Message
		r.Metrics = engine.OrEmpty(last.Metrics)
	}
	return r
}

func instanceSnapshots(x *state.Tx, ids []string) []engine.InstanceSnapshot {
	out := []engine.InstanceSnapshot{}
	for _, id := range ids {
		if i := x.Instances.Get(id); i != nil {
			out = append(out, engine.InstanceSnapshot{
				ID:            i.ID,
				Name:          i.Name,
				Address:       i.Address,
				OverallStatus: x.Overall(engine.Ref{Kind: engine.KindInstance, ID: id}),
			})
		}
	}
	slices.SortFunc(out, func(a, b engine.InstanceSnapshot) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// pageURL is the address of an object's page: below the public URL, or below
// the address that the monitor listens on.
func pageURL(x *state.Tx, collection, id string) string {
	return x.State.Base(x.Site()) + "/" + collection + "/" + id
}

// UserSnapshot is a user as the plugin may see them.
func UserSnapshot(u *engine.User, slug string) engine.UserSnapshot {
	return engine.UserSnapshot{ID: u.ID, Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email,
		TimeZone: u.TimeZone, Role: u.Role, Settings: u.Settings[slug]}
}
