package alert

import (
	"cmp"
	"time"

	"moonwatch/engine"
)

// means is what a delivery goes through: a version of its plugin.
type means struct {
	version    string
	channel    string // "" when the plugin is not loaded
	settingsOf string // the plugin whose settings it is given
}

// meansOf is what a delivery through a plugin goes through now.
func meansOf(plugin string, entry engine.PluginEntry) means {
	if entry.Plugin == nil {
		return means{settingsOf: plugin}
	}
	meta := entry.Plugin.Meta()
	return means{version: meta.Version, channel: cmp.Or(meta.Channel, "other"), settingsOf: cmp.Or(meta.SettingsFrom, plugin)}
}

// personal reports whether it reaches nobody but those whom it is for, as a call
// or a text do. A room or a receiver hears of an alert all the same.
func (m means) personal() bool { return m.channel == "phone" || m.channel == "sms" }

// readdress decides, when a delivery's turn has come, as what it is sent: a
// recovery goes to those who were told, and what comes before anything was told
// is a firing. overtaken says why it is not sent, when so. in is nil for a test.
// It is pure.
func readdress(d *engine.Delivery, in *engine.Incident) (readdressed *engine.Delivery, kind engine.AlertKind, overtaken string) {
	if in == nil {
		return d, d.Kind, ""
	}
	notified := in.Notified[d.Plugin] != nil
	switch {
	case d.Kind == engine.AlertRecovery && !notified:
		return d, d.Kind, "the incident closed before anybody was told"
	case d.Kind == engine.AlertRecovery:
		d = d.Copy()
		d.Users, d.DutyOfficers = notifiedLists(in, d.Plugin)
	case !notified:
		return d, engine.AlertFiring, ""
	}
	return d, d.Kind, ""
}

// verdict is what becomes of a delivery when its turn has come.
type verdict struct {
	delivery   *engine.Delivery          // for those who may be contacted now; it names the others, and why
	kind       engine.AlertKind          // as what it is sent
	drop       engine.DeliveryState      // superseded or skipped when it is not sent, else ""
	why        string                    // it is not sent
	pending    []engine.PendingRecipient // who is to be told later
	stepMissed bool                      // an escalation step reaches nobody by it
}

// decide says whether a delivery whose turn has come is sent, to whom, and who is to
// be told later. in is nil for a test; who looks up a user, nil when there is none
// any more, and whom they were contacted by. It is pure.
func decide(d *engine.Delivery, in *engine.Incident, through means, who func(id string) (*engine.User, *engine.Contact), now time.Time) verdict {
	d, kind, overtaken := readdress(d, in)
	v := verdict{delivery: d, kind: kind}
	if overtaken != "" {
		v.drop, v.why = engine.DeliverySuperseded, overtaken
		return v
	}
	wanted := len(d.Users) + len(d.DutyOfficers)
	v.delivery, v.pending = filterRecipients(d, through.channel, who, now)
	if wanted == 0 || len(v.delivery.Users)+len(v.delivery.DutyOfficers) > 0 {
		return v
	}
	v.stepMissed = d.Step != 0 && len(d.Attempts) == 0
	if through.personal() && kind != engine.AlertRecovery {
		v.drop, v.why = engine.DeliverySkipped, "everybody it is for was held back"
	}
	return v
}

// begin returns the delivery with a further attempt under way. It is stored
// before the plugin is called, so that a crash is known as an attempt that may
// have reached somebody.
func begin(d *engine.Delivery, kind engine.AlertKind, version string, now time.Time) *engine.Delivery {
	c := d.Copy()
	c.Kind, c.Snapshot.Kind = kind, kind
	if kind != engine.AlertUpdate && kind != engine.AlertDeescalation && kind != engine.AlertAcknowledged && kind != engine.AlertUnacknowledged {
		c.Update = false
	}
	c.Version = version
	c.NextAttempt = nil
	c.Attempts = append(c.Attempts, engine.Attempt{At: now, Log: []engine.LogLine{}})
	return c
}

// end returns the delivery after the attempt under way ended with report.
func end(d *engine.Delivery, report engine.AlertReport, now time.Time) *engine.Delivery {
	c := d.Copy()
	last := &c.Attempts[len(c.Attempts)-1]
	last.Took = now.Sub(last.At).Seconds()
	if report.Took > 0 {
		last.Took = report.Took.Seconds()
	}
	last.Outcome = string(report.Outcome)
	if len(report.Log) > 0 {
		last.Log = report.Log
	}
	if len(report.Sent) > 0 {
		c.Sent = report.Sent
	}
	switch report.Outcome {
	case engine.OutcomeSent:
		c.State = engine.DeliverySent
	case engine.OutcomeSkipped:
		c.State, c.Why = engine.DeliverySkipped, report.Why
		last.Error = report.Why
	default:
		last.Error = report.Why
		wait := backoff(len(c.Attempts))
		if report.RetryAfter > 0 {
			wait = report.RetryAfter
		}
		next := now.Add(wait)
		if report.NoRetry || next.After(c.RetryFrom.Add(engine.RetryFor)) {
			c.State, c.Why = engine.DeliveryDead, report.Why
		} else {
			c.State, c.NextAttempt = engine.DeliveryFailed, &next
		}
	}
	return c
}

// supersede returns the delivery given up in favour of a newer event.
func supersede(d *engine.Delivery, why string) *engine.Delivery {
	c := d.Copy()
	c.State, c.Why, c.NextAttempt = engine.DeliverySuperseded, why, nil
	return c
}

// skip returns the delivery as one that was not to be made.
func skip(d *engine.Delivery, why string) *engine.Delivery {
	c := d.Copy()
	c.State, c.Why, c.NextAttempt = engine.DeliverySkipped, why, nil
	return c
}

// Recipients returns whom the delivery is for, by list, less those it reached already.
func Recipients(d *engine.Delivery) map[string]engine.List {
	m := map[string]engine.List{}
	for _, id := range d.DutyOfficers {
		m[id] = engine.ListDuty
	}
	for _, id := range d.Users {
		m[id] = engine.ListUsers
	}
	return m
}

// backoff is how long to wait after the n-th failed attempt: 1 s, doubling to 5 min.
func backoff(n int) time.Duration {
	wait := engine.RetryFirst
	for i := 1; i < n && wait < engine.MaxRetry; i++ {
		wait *= 2
	}
	return min(wait, engine.MaxRetry)
}
