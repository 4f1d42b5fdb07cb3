package engine

import (
	"cmp"
	"slices"
	"strings"

	"moonwatch/engine/form"
)

// snapshot is what alert plugins see of an event. It is made once, stored with
// the delivery, and the same at every attempt.
func (x *tx) snapshot(s subject, in *Incident, was Status, h Happening, number int, delivery, plugin string) AlertSnapshot {
	a := AlertSnapshot{
		Subject: in.Subject, Name: in.SubjectName, URL: s.url, Address: s.address,
		Instances: x.instanceSnapshots(s.instances), OverallStatus: in.Status, OldOverallStatus: was, WorstStatus: in.Severity,
		AlertingStatus: in.Alerting,
		LastAlertSent:  in.LastSent, PageURL: x.pageURL(string(in.Subject.Kind)+"s", in.Subject.ID), RunbookLink: s.RunbookLink,
		Kind: h.Kind, Reason: h.Detail, IncidentKey: in.Key, DeliveryID: delivery, AlertNumber: number,
		EventAt: x.now, IncidentOpenedAt: in.Opened, Failing: []CheckRecord{}, Passing: []CheckRecord{},
	}
	if in.Ack != nil {
		a.Acknowledgement = &AcknowledgementSnapshot{User: in.Ack.Username, Comment: in.Ack.Comment, At: in.Ack.At, ExpiresAt: in.Ack.Expires}
	}
	a.Settings = x.serviceSettings(s, in, plugin)
	for _, id := range x.checksOf(s) {
		c, state := x.checks.get(id), x.states.get(id)
		if c == nil || state == nil || !c.Active {
			continue
		}
		record := x.checkRecord(c, state)
		if record.Severity != "" {
			a.Failing = append(a.Failing, record)
		} else if state.Status == CheckPassing {
			a.Passing = append(a.Passing, record)
		}
	}
	if s.ref == builtIn {
		a.Failing = append(a.Failing, x.rotaRecords()...)
		a.Failing = append(a.Failing, x.unsentRecords()...)
	}
	byName := func(a, b CheckRecord) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(a.Failing, byName)
	slices.SortFunc(a.Passing, byName)
	return a
}

// serviceSettings returns what a subject set for an alert plugin. When the
// subject was deleted or dropped the plugin, the recovery still has to go where
// the incident was told: what was told with holds.
func (x *tx) serviceSettings(s subject, in *Incident, plugin string) form.Values {
	for _, choice := range s.Alerts {
		if choice.Plugin == plugin {
			return choice.Settings
		}
	}
	if told := in.Told[plugin]; told != nil {
		return told.Settings
	}
	for _, d := range x.waitingOf(in.ID) {
		if d.Plugin == plugin && d.UnderWay() {
			return d.Snapshot.Settings
		}
	}
	return nil
}

func (x *tx) checkRecord(c *Check, state *CheckState) CheckRecord {
	severity, _ := state.Failing()
	r := CheckRecord{ID: c.ID, Name: c.Name, Plugin: c.Plugin, Importance: c.Importance, Severity: severity,
		Unknown: state.Status == CheckUnknown, Description: state.Description, Since: state.Since,
		RunbookLink: c.RunbookLink, PageURL: x.pageURL("checks", c.ID), Metrics: []Metric{}}
	if severity != "" {
		r.Error = state.Error
		if state.Flapping {
			r.Error = strings.TrimPrefix(r.Error+", flapping", ", ")
		}
	}
	if last := x.lastResult(c.ID); last != nil {
		r.Message = last.Message
		r.Metrics = orEmpty(last.Metrics)
	}
	return r
}

func (x *tx) instanceSnapshots(ids []string) []InstanceSnapshot {
	out := []InstanceSnapshot{}
	for _, id := range ids {
		if i := x.instances.get(id); i != nil {
			out = append(out, InstanceSnapshot{i.ID, i.Name, i.Address, x.overall(Ref{KindInstance, id})})
		}
	}
	slices.SortFunc(out, func(a, b InstanceSnapshot) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// pageURL is the address of an object's page: below the public URL, or below
// the address that the monitor listens on.
func (x *tx) pageURL(collection, id string) string {
	return x.e.base(x.site()) + "/" + collection + "/" + id
}

// userSnapshot is a user as the plugin may see them.
func userSnapshot(u *User, slug string) UserSnapshot {
	return UserSnapshot{ID: u.ID, Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email,
		TimeZone: u.TimeZone, Role: u.Role, Settings: u.Settings[slug]}
}
