package alert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
	"moonwatch/engine/schedule"
	"moonwatch/engine/state"
)

// floodWindow is the time in which maxFlood contacts are allowed per channel.
const floodWindow = 15 * time.Minute

func maxFlood(channel string) int {
	switch channel {
	case "phone":
		return 3
	case "sms":
		return 5
	}
	return 0
}

// reachable decides whether a user may be contacted now through a channel about
// a severity. When not, it says why and from when on it may be tried again (zero:
// never for this severity). It is pure.
func reachable(u *engine.User, contact *engine.Contact, channel string, kind engine.AlertKind, severity engine.Status, now time.Time) (why string, until time.Time) {
	if kind == engine.AlertRecovery || kind == engine.AlertTest {
		return "", time.Time{} // stopped by nothing
	}
	for _, rule := range u.ContactRules {
		if rule.Channel == channel && (rule.Severity == "" || severity.Rank() < rule.Severity.Rank()) {
			return "their contact rules do not allow " + channel + " at " + string(severity), time.Time{}
		}
	}
	if severity != engine.StatusCritical || u.QuietCritical {
		if end, quiet := QuietUntil(u, now); quiet {
			return "quiet hours until " + end.UTC().Format(time.RFC3339), end
		}
	}
	if most := maxFlood(channel); most > 0 && contact != nil {
		recent := slices.DeleteFunc(slices.Clone(contact.Sent[channel]), func(at time.Time) bool { return now.Sub(at) >= floodWindow })
		if len(recent) >= most {
			return "flood limit of " + channel + " reached", recent[len(recent)-most].Add(floodWindow)
		}
	}
	return "", time.Time{}
}

// QuietUntil reports whether the user's quiet hours hold, and their end.
func QuietUntil(u *engine.User, now time.Time) (time.Time, bool) {
	zone, err := engine.LoadZone(u.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	here := rota.ToWall(now, zone)
	today := time.Date(here.Year(), here.Month(), here.Day(), 0, 0, 0, 0, time.UTC)
	for _, q := range u.QuietHours {
		start, err1 := schedule.ClockMinutes(q.Start)
		end, err2 := schedule.ClockMinutes(q.End)
		if err1 != nil || err2 != nil {
			continue
		}
		if end <= start {
			end += 24 * 60
		}
		for _, back := range []int{0, -1} { // hours that began today or yesterday
			day := today.AddDate(0, 0, back)
			if len(q.Days) > 0 && !slices.ContainsFunc(q.Days, func(d string) bool { return strings.EqualFold(d, engine.Weekdays[day.Weekday()]) }) {
				continue
			}
			from := rota.FromWall(day.Add(time.Duration(start)*time.Minute), zone)
			to := rota.FromWall(day.Add(time.Duration(end)*time.Minute), zone)
			if !now.Before(from) && now.Before(to) {
				return to, true
			}
		}
	}
	return time.Time{}, false
}

func ValidateContact(u *engine.User, p *engine.Problems) {
	u.QuietHours, u.ContactRules = engine.OrEmpty(slices.Clone(u.QuietHours)), engine.OrEmpty(u.ContactRules)
	if len(u.QuietHours) > 20 {
		p.Add("quiet_hours", "max", "at most 20 rows")
	}
	for i := range u.QuietHours {
		q, location := &u.QuietHours[i], engine.At("quiet_hours", i)
		q.Days = engine.OrEmpty(slices.Clone(q.Days))
		for j, day := range q.Days {
			q.Days[j] = strings.ToLower(strings.TrimSpace(day))
			if !slices.Contains(engine.Weekdays, q.Days[j]) {
				p.Add(engine.At(location+".days", j), "invalid", "one of mon tue wed thu fri sat sun")
			}
		}
		clock := func(field string, text *string) {
			minutes, err := schedule.ClockMinutes(strings.TrimSpace(*text))
			if err != nil || minutes == 24*60 {
				p.Add(location+"."+field, "invalid", "write a time of day such as 22:00")
				return
			}
			*text = fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)
		}
		clock("start", &q.Start)
		clock("end", &q.End)
	}
	seen := map[string]bool{}
	for i, rule := range u.ContactRules {
		location := engine.At("contact_rules", i)
		if !slices.Contains([]string{"phone", "sms", "email", "chat", "other"}, rule.Channel) {
			p.Add(location+".channel", "invalid", "one of phone, sms, email, chat and other")
		} else if seen[rule.Channel] {
			p.Add(location+".channel", "unique", "this channel has a rule already")
		}
		seen[rule.Channel] = true
		if rule.Severity != "" {
			p.Severity(location+".severity", rule.Severity)
		}
	}
}

// filterRecipients filters the recipients of an attempt: who may not be contacted now is
// noted in the delivery, and is pending when it is for a time alone. It is pure.
func filterRecipients(d *engine.Delivery, channel string, who func(id string) (*engine.User, *engine.Contact), now time.Time) (filtered *engine.Delivery, pending []engine.PendingRecipient) {
	c := d.Copy()
	c.Deferred = slices.Clone(d.Deferred)
	severity := d.Snapshot.Severity()
	keep := func(ids []string, list engine.List) []string {
		var out []string
		for _, id := range ids {
			u, contact := who(id)
			if u == nil || slices.Contains(d.Reached, id) {
				out = append(out, id)
				continue
			}
			why, until := reachable(u, contact, channel, d.Kind, severity, now)
			if why == "" {
				out = append(out, id)
				continue
			}
			c.Deferred = append(c.Deferred, engine.Held{User: id, Why: why})
			if !until.IsZero() {
				pending = append(pending, engine.PendingRecipient{User: id, Plugin: d.Plugin, Until: until, List: list})
			}
		}
		return engine.OrEmpty(out)
	}
	c.Users, c.DutyOfficers = keep(d.Users, engine.ListUsers), keep(d.DutyOfficers, engine.ListDuty)
	return c, pending
}

// contacted notes that people were contacted through a channel with a flood limit.
func contacted(x *state.Tx, ids []string, channel string) {
	if maxFlood(channel) == 0 {
		return
	}
	for _, id := range ids {
		c := &engine.Contact{User: id, Sent: map[string][]time.Time{}}
		if old := x.Contacts.Get(id); old != nil {
			for ch, times := range old.Sent {
				for _, at := range times {
					if x.Now.Sub(at) < floodWindow {
						c.Sent[ch] = append(c.Sent[ch], at)
					}
				}
			}
		}
		c.Sent[channel] = append(c.Sent[channel], x.Now)
		x.Contacts.Put(id, c)
	}
}

// addPending notes that somebody is to be told of an incident later.
func addPending(x *state.Tx, d *engine.Delivery, p engine.PendingRecipient) {
	in := x.Incidents.Get(d.Incident)
	if in == nil || in.Closed != nil {
		return
	}
	for _, other := range in.Pending {
		if other.User == p.User && other.Plugin == p.Plugin {
			return
		}
	}
	c := in.Copy()
	c.Pending = append(c.Pending, p)
	x.Incidents.Put(in.ID, c)
	x.State.WakeAt(state.Timer{At: p.Until, Ref: in.Subject})
}

// notifyPending tells those whose window has opened of an incident that is still
// open, once.
func notifyPending(x *state.Tx, s state.Target, in *engine.Incident) *engine.Incident {
	if len(in.Pending) == 0 || in.Closed != nil {
		return in
	}
	var ready, later []engine.PendingRecipient
	for _, p := range in.Pending {
		if x.Now.Before(p.Until) {
			later = append(later, p)
			x.State.WakeAt(state.Timer{At: p.Until, Ref: in.Subject})
		} else {
			ready = append(ready, p)
		}
	}
	if len(ready) == 0 {
		return in
	}
	in = in.Copy()
	in.Pending = later
	x.Incidents.Put(in.ID, in)
	for _, p := range ready {
		if notified := in.Notified[p.Plugin]; notified != nil && notified.Users[p.User] != "" {
			continue // a later event reached them already
		}
		in.Number++
		recordEvent(x, s, in, in.Status, Event{
			Kind:    engine.AlertRepeat,
			Status:  in.Status,
			Detail:  "held back until now",
			Plugins: []string{p.Plugin},
			Only:    &p,
		}, in.Number)
	}
	x.Incidents.Put(in.ID, in)
	return in
}
