package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"moonwatch/engine/rota"
)

// floodWindow is the time in which floodMost contacts are allowed per channel.
const floodWindow = 15 * time.Minute

func floodMost(channel string) int {
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
func reachable(u *User, contact *Contact, channel string, kind AlertKind, severity Status, now time.Time) (why string, until time.Time) {
	if kind == AlertRecovery || kind == AlertTest {
		return "", time.Time{} // stopped by nothing
	}
	for _, rule := range u.ContactRules {
		if rule.Channel == channel && (rule.Severity == "" || severity.Rank() < rule.Severity.Rank()) {
			return "their contact rules do not allow " + channel + " at " + string(severity), time.Time{}
		}
	}
	if severity != StatusCritical || u.QuietCritical {
		if end, quiet := u.quietUntil(now); quiet {
			return "quiet hours until " + end.UTC().Format(time.RFC3339), end
		}
	}
	if most := floodMost(channel); most > 0 && contact != nil {
		recent := slices.DeleteFunc(slices.Clone(contact.Sent[channel]), func(at time.Time) bool { return now.Sub(at) >= floodWindow })
		if len(recent) >= most {
			return "flood limit of " + channel + " reached", recent[len(recent)-most].Add(floodWindow)
		}
	}
	return "", time.Time{}
}

// quietUntil reports whether the user's quiet hours hold, and their end.
func (u *User) quietUntil(now time.Time) (time.Time, bool) {
	zone, err := loadZone(u.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	here := rota.ToWall(now, zone)
	today := time.Date(here.Year(), here.Month(), here.Day(), 0, 0, 0, 0, time.UTC)
	for _, q := range u.QuietHours {
		start, err1 := clockMinutes(q.Start)
		end, err2 := clockMinutes(q.End)
		if err1 != nil || err2 != nil {
			continue
		}
		if end <= start {
			end += 24 * 60
		}
		for _, back := range []int{0, -1} { // hours that began today or yesterday
			day := today.AddDate(0, 0, back)
			if len(q.Days) > 0 && !slices.ContainsFunc(q.Days, func(d string) bool { return strings.EqualFold(d, weekdays[day.Weekday()]) }) {
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

func (u *User) validateContact(p *problems) {
	u.QuietHours, u.ContactRules = orEmpty(slices.Clone(u.QuietHours)), orEmpty(u.ContactRules)
	if len(u.QuietHours) > 20 {
		p.add("quiet_hours", "max", "at most 20 rows")
	}
	for i := range u.QuietHours {
		q, location := &u.QuietHours[i], at("quiet_hours", i)
		q.Days = orEmpty(slices.Clone(q.Days))
		for j, day := range q.Days {
			q.Days[j] = strings.ToLower(strings.TrimSpace(day))
			if !slices.Contains(weekdays, q.Days[j]) {
				p.add(at(location+".days", j), "invalid", "one of mon tue wed thu fri sat sun")
			}
		}
		clock := func(field string, text *string) {
			minutes, err := clockMinutes(strings.TrimSpace(*text))
			if err != nil || minutes == 24*60 {
				p.add(location+"."+field, "invalid", "write a time of day such as 22:00")
				return
			}
			*text = fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)
		}
		clock("start", &q.Start)
		clock("end", &q.End)
	}
	seen := map[string]bool{}
	for i, rule := range u.ContactRules {
		location := at("contact_rules", i)
		if !slices.Contains([]string{"phone", "sms", "email", "chat", "other"}, rule.Channel) {
			p.add(location+".channel", "invalid", "one of phone, sms, email, chat and other")
		} else if seen[rule.Channel] {
			p.add(location+".channel", "unique", "this channel has a rule already")
		}
		seen[rule.Channel] = true
		if rule.Severity != "" {
			p.severity(location+".severity", rule.Severity)
		}
	}
}

// admit filters the recipients of an attempt: who may not be contacted now is
// noted in the delivery, and told once when their window opens.
func (x *tx) admit(d *Delivery, channel string) *Delivery {
	c := d.copy()
	c.Held = slices.Clone(d.Held)
	severity := d.Snapshot.severity()
	keep := func(ids []string, list List) []string {
		var out []string
		for _, id := range ids {
			u := x.users.get(id)
			if u == nil || slices.Contains(d.Reached, id) {
				out = append(out, id)
				continue
			}
			why, until := reachable(u, x.contacts.get(id), channel, d.Kind, severity, x.now)
			if why == "" {
				out = append(out, id)
				continue
			}
			c.Held = append(c.Held, Held{id, why})
			if !until.IsZero() {
				x.holdBack(d, HeldPerson{User: id, Plugin: d.Plugin, Until: until, List: list})
			}
		}
		return orEmpty(out)
	}
	c.Users, c.DutyOfficers = keep(d.Users, ListUsers), keep(d.DutyOfficers, ListDuty)
	return c
}

// contacted notes that people were contacted through a channel with a flood limit.
func (x *tx) contacted(ids []string, channel string) {
	if floodMost(channel) == 0 {
		return
	}
	for _, id := range ids {
		c := &Contact{User: id, Sent: map[string][]time.Time{}}
		if old := x.contacts.get(id); old != nil {
			for ch, times := range old.Sent {
				for _, at := range times {
					if x.now.Sub(at) < floodWindow {
						c.Sent[ch] = append(c.Sent[ch], at)
					}
				}
			}
		}
		c.Sent[channel] = append(c.Sent[channel], x.now)
		x.contacts.put(id, c)
	}
}

// holdBack notes that somebody is to be told of an incident later.
func (x *tx) holdBack(d *Delivery, p HeldPerson) {
	in := x.incidents.get(d.Incident)
	if in == nil || in.Closed != nil {
		return
	}
	for _, other := range in.HeldBack {
		if other.User == p.User && other.Plugin == p.Plugin {
			return
		}
	}
	c := in.copy()
	c.HeldBack = append(c.HeldBack, p)
	x.incidents.put(in.ID, c)
	x.e.remind(due{at: p.Until, ref: in.Subject})
}

// tellHeldBack tells those whose window has opened of an incident that is still
// open, once.
func (x *tx) tellHeldBack(s subject, in *Incident) *Incident {
	if len(in.HeldBack) == 0 || in.Closed != nil {
		return in
	}
	var ready, later []HeldPerson
	for _, p := range in.HeldBack {
		if x.now.Before(p.Until) {
			later = append(later, p)
			x.e.remind(due{at: p.Until, ref: in.Subject})
		} else {
			ready = append(ready, p)
		}
	}
	if len(ready) == 0 {
		return in
	}
	in = in.copy()
	in.HeldBack = later
	x.incidents.put(in.ID, in)
	for _, p := range ready {
		if told := in.Told[p.Plugin]; told != nil && told.Users[p.User] != "" {
			continue // a later event reached them already
		}
		in.Number++
		x.happen(s, in, in.Status, Happening{Kind: AlertRepeat, Status: in.Status, Detail: "held back until now", Plugins: []string{p.Plugin}, Only: &p}, in.Number)
	}
	x.incidents.put(in.ID, in)
	return in
}
